package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// rootModule is the path of the module in the top folder.
const rootModule = "github.com/zeugkit/zeug"

// released is a module that users get.
type released struct {
	path   string // its import path
	folder string // its folder in the repository, with slashes; "" for the top folder
}

// tag returns the tag in which the go command looks for the module.
func (m released) tag(version string) string { return path.Join(m.folder, version) }

// version returns a version of the module.
func (m released) version(v string) module.Version { return module.Version{Path: m.path, Version: v} }

// releasedModules lists the modules that users get, the one in the top folder first. These are the
// modules of go.work without a "replace" of the module in the top folder. A module with a "replace"
// works only inside the repository.
func releasedModules(repository string) ([]released, error) {
	name := filepath.Join(repository, "go.work")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	var modules []released
	for _, use := range work.Use {
		folder := strings.TrimPrefix(path.Clean(use.Path), ".")
		mod, err := readGoMod(filepath.Join(repository, folder))
		if err != nil {
			return nil, err
		}
		if !requiresRoot(mod) && folder != "" || replacesRoot(mod) {
			continue
		}
		if want := path.Join(rootModule, folder); mod.Module.Mod.Path != want {
			return nil, fmt.Errorf("%s/go.mod names the module %s, but from there the go command finds only %s", use.Path, mod.Module.Mod.Path, want)
		}
		modules = append(modules, released{path: mod.Module.Mod.Path, folder: folder})
	}
	slices.SortFunc(modules, func(a, b released) int { return strings.Compare(a.folder, b.folder) })
	return modules, nil
}

func readGoMod(folder string) (*modfile.File, error) {
	name := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, text, nil)
}

func requiresRoot(mod *modfile.File) bool {
	return slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == rootModule })
}

func replacesRoot(mod *modfile.File) bool {
	return slices.ContainsFunc(mod.Replace, func(r *modfile.Replace) bool { return r.Old.Path == rootModule })
}
