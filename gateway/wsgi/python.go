package wsgi

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// findPython returns the interpreter for an application in dir: the one that was named, or the one
// of the nearest virtual environment.
func findPython(named, dir string) (string, error) {
	if named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("wsgi: Config.Python: %w: name an interpreter, as in \"python3\" or a path to one", err)
		}
		return filepath.Abs(path)
	}
	if home := os.Getenv("VIRTUAL_ENV"); home != "" {
		if path, ok := interpreterOf(home); ok {
			return path, nil
		}
	}
	for at := dir; ; at = filepath.Dir(at) {
		if path, ok := interpreterOf(filepath.Join(at, ".venv")); ok {
			return path, nil
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", fmt.Errorf("wsgi: %w: install Python, or name an interpreter as Config.Python", err)
	}
	return path, nil
}

// interpreterOf returns the interpreter of a virtual environment.
func interpreterOf(home string) (string, bool) {
	path := filepath.Join(home, "bin", "python")
	if runtime.GOOS == "windows" {
		path = filepath.Join(home, "Scripts", "python.exe")
	}
	if _, err := os.Stat(filepath.Join(home, "pyvenv.cfg")); err != nil {
		return "", false
	}
	_, err := os.Stat(path)
	return path, err == nil
}
