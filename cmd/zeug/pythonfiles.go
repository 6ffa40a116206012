package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// This file lists the files of a folder that belong to an application, for its developers.

// pythonSuffixes are the suffixes of files that an application reads when it is
// imported, or keeps after it has read them, such as templates.
var pythonSuffixes = []string{"py", "html", "htm", "jinja", "jinja2", "j2", "mako", "mo", "toml", "cfg", "ini", "env"}

// pythonFiles returns the files that restart the application in dir, the folders whose files only
// reload pages, and those to ignore: virtual environments.
func pythonFiles(dir string) (watch, assets, exclude []string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, nil
	}
	for _, suffix := range pythonSuffixes {
		watch = append(watch, filepath.Join(dir, "**", "*."+suffix))
	}
	exclude = []string{"__pycache__", "node_modules", "site-packages"}
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir() || name == dir:
			return nil
		case strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "__pycache__":
			return fs.SkipDir
		case d.Name() == "static":
			assets = append(assets, name)
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "pyvenv.cfg")); err == nil {
			exclude = append(exclude, name)
			return fs.SkipDir
		}
		return nil
	})
	return watch, assets, exclude
}

// completeModules offers the modules in --dir, or the current folder, that could be
// applications.
func completeModules(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	dir, _ := cmd.Flags().GetString("dir")
	var modules []string
	for _, pattern := range []string{"*.py", "*/__init__.py", "*/wsgi.py"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			if rel, err := filepath.Rel(filepath.Clean("./"+dir), name); err == nil {
				module := strings.TrimSuffix(strings.TrimSuffix(filepath.ToSlash(rel), ".py"), "/__init__")
				modules = append(modules, strings.ReplaceAll(module, "/", "."))
			}
		}
	}
	return modules, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
