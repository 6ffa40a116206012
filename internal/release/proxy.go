package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// proxy is a folder in the form of a module proxy, for GOPROXY=file://… It is described in
// "go help goproxy".
type proxy struct{ dir string }

// add writes a module of a commit into the proxy. The content is the one that the go command would
// make from the tag. The repository must be a folder that has a folder .git. The hash is the
// module's hash in go.sum.
func (p proxy) add(repository git, commit string, m released, version string) (hash string, err error) {
	escaped, err := module.EscapePath(m.path)
	if err != nil {
		return "", err
	}
	base := filepath.Join(p.dir, filepath.FromSlash(escaped), "@v", version)
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return "", err
	}
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Now().UTC()})
	if err != nil {
		return "", err
	}
	gomod, err := repository.run("show", commit+":"+path.Join(m.folder, "go.mod"))
	if err != nil {
		return "", err
	}
	for name, content := range map[string]string{
		base + ".info": string(info),
		base + ".mod":  gomod + "\n",
		filepath.Join(filepath.Dir(base), "list"): version + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return "", err
		}
	}
	file, err := os.Create(base + ".zip")
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := zip.CreateFromVCS(file, m.version(version), repository.dir, commit, m.folder); err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return dirhash.HashZip(base+".zip", dirhash.Hash1)
}

// env returns an environment in which the go command takes the modules of this repository from the
// folder. It takes all other modules from their usual place, and first from the module cache of
// this machine. New modules go only to the folder cache: if a release is abandoned, its entries
// must not stay on the machine.
func (p proxy) env(machine goEnv, cache string) []string {
	return []string{
		"GOWORK=off",
		"GOPROXY=file://" + filepath.ToSlash(p.dir) + ",file://" + path.Join(filepath.ToSlash(machine.modcache), "cache/download") + "," + machine.proxy,
		"GONOSUMDB=" + strings.Trim(machine.nosumdb+","+rootModule, ","),
		"GOMODCACHE=" + cache,
	}
}

// goEnv holds the settings of the go command on this machine.
type goEnv struct{ proxy, modcache, nosumdb string }
