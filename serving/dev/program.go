package dev

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/reload"
)

// reloadProgram makes this process the supervisor of its own program, which is built again from
// its source, and runs as another process.
func reloadProgram(ctx context.Context, o devtools.Reload) error {
	program, err := ownProgram()
	if err != nil {
		return err
	}
	s, err := reload.New(reload.Config{
		Program: program, Listen: o.Listen, SocketMode: o.SocketMode, WrapListener: o.WrapListener,
		Watch: o.Watch, Exclude: o.Exclude, Poll: o.Poll,
		Logger: o.Logger, Terminal: o.Terminal,
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// ownProgram returns what must be built to get the running program.
func ownProgram() (reload.Program, error) {
	p := reload.Program{Args: os.Args[1:]}
	file := mainFile()
	if file == "" {
		return p, errors.New("serving: Reload does not find the source of this program: build it without -trimpath, or run it by \"zeug run\"")
	}
	if _, err := os.Stat(file); err != nil {
		return p, errors.New("serving: Reload wants the source of the program, and " + file + " is not there: it is for development, serve without it elsewhere")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p, errors.New("serving: Reload does not know how the program was built: run it by \"zeug run\"")
	}
	p.Dir, p.Package = filepath.Dir(file), "."
	if info.Path == "command-line-arguments" && ignored(file) {
		p.Package = file // "go run main.go" with a file that belongs to no package
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "-race" && s.Value == "true":
			p.Flags = append(p.Flags, "-race")
		case slices.Contains([]string{"-tags", "-ldflags", "-asmflags", "-mod", "-modfile"}, s.Key):
			p.Flags = append(p.Flags, s.Key+"="+s.Value)
		}
	}
	return p, nil
}

var mainFrame = regexp.MustCompile(`(?m)^main\.main\(.*\)\n\t(.+\.go):\d+`)

// mainFile is the file of the function main. It is found in the frames of the
// first goroutine, which stays in main as long as the program runs.
func mainFile() string {
	for size := 64 << 10; size <= 64<<20; size *= 4 {
		stacks := make([]byte, size)
		n := runtime.Stack(stacks, true)
		if m := mainFrame.FindSubmatch(stacks[:n]); m != nil {
			if file := string(m[1]); filepath.IsAbs(file) {
				return file
			}
			return ""
		}
		if n < size {
			break
		}
	}
	return ""
}

// ignored reports whether a file says that it belongs to no package.
func ignored(file string) bool {
	source, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	head, _, _ := bytes.Cut(source, []byte("\npackage "))
	for line := range strings.Lines(string(head)) {
		if strings.HasPrefix(line, "//go:build ") && strings.Contains(line, "ignore") {
			return true
		}
	}
	return false
}
