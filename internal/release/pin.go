package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pin makes the nested modules below dir require the modules of this repository at the
// version, tidies them, and builds them as a user would: without the workspace.
func pin(ctx context.Context, dir string, modules []released, version string, env []string) error {
	for _, m := range modules {
		if m.folder == "" {
			continue
		}
		folder := filepath.Join(dir, filepath.FromSlash(m.folder))
		mod, err := readGoMod(folder)
		if err != nil {
			return err
		}
		for _, require := range mod.Require {
			if require.Mod.Path == rootModule || strings.HasPrefix(require.Mod.Path, rootModule+"/") {
				if err := mod.AddRequire(require.Mod.Path, version); err != nil {
					return err
				}
			}
		}
		text, err := mod.Format()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "go.mod"), text, 0o644); err != nil {
			return err
		}
		for _, args := range [][]string{{"mod", "tidy"}, {"build", "-mod=readonly", "-trimpath", "-o", os.DevNull, "./..."}} {
			if _, err := command(ctx, folder, append(env, "GOFLAGS=-modcacherw"), "go", args...); err != nil {
				return fmt.Errorf("%s: %w", m.path, err)
			}
		}
	}
	return nil
}

// machine asks the go command for its settings in dir.
func machine(ctx context.Context, dir string) (goEnv, error) {
	out, err := command(ctx, dir, nil, "go", "env", "GOPROXY", "GOMODCACHE", "GONOSUMDB")
	lines := strings.Split(out+"\n\n", "\n")
	return goEnv{proxy: lines[0], modcache: lines[1], nosumdb: lines[2]}, err
}
