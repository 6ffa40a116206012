package reload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger"
)

// A Program says what to build and how to start it.
type Program struct {
	// Executable is a program that is not built: it is restarted after a change of the files that it
	// asks to have watched. Package and Flags are not used then.
	Executable string
	// Dir is the folder in which the go command runs, in the program's module
	// or workspace; the current one by default.
	Dir string
	// WorkDir is the folder in which the program runs; the current one by default.
	WorkDir string
	// Package is the package to build, as an argument of "go build": "./cmd/app", ".", or a file.
	// An empty string means ".".
	Package string
	// Flags are flags of "go build": -tags, -race, -ldflags.
	Flags []string
	// Args are the program's own arguments.
	Args []string
}

func (p *Program) complete() {
	switch {
	case p.Executable != "":
		p.Package = filepath.Base(p.Executable) // in messages
	case p.Package == "":
		p.Package = "."
	}
	for _, dir := range []*string{&p.Dir, &p.WorkDir} {
		if absolute, err := filepath.Abs(*dir); err == nil {
			*dir = absolute
		}
	}
}

// goCommand is the go command with args, in the program's folder.
func (p *Program) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.Dir
	cmd.WaitDelay = time.Second
	return cmd
}

// sources are the files of a program that its author edits: those of the module, of its workspace
// and of modules replaced by folders. The standard library and the module cache do not change.
type sources struct {
	packages []sourcePackage
	modules  []string // paths of the modules, for -gcflags
	files    []string // go.mod, go.work and their sums
	goFlags  []string // GOFLAGS
	missing  string   // why the package does not exist

	paths  map[string]bool   // of all packages, by import path
	faults map[string]string // the error of a package
	shown  *shownFile        // the shown file with which the go command listed them
}

// main returns the program's own package, nil if its author cannot change the package.
func (s *sources) main() *sourcePackage {
	if len(s.packages) == 0 { // dependencies come first
		return nil
	}
	if last := &s.packages[len(s.packages)-1]; last.Name == "main" {
		return last
	}
	return nil
}

type sourcePackage struct {
	Dir           string
	ImportPath    string
	Name          string
	Standard      bool
	GoFiles       []string
	CgoFiles      []string
	EmbedFiles    []string
	EmbedPatterns []string
	CFiles        []string
	CXXFiles      []string
	HFiles        []string
	SFiles        []string
	Module        *struct {
		Path    string
		Main    bool
		GoMod   string
		Replace *struct{ Version string }
	}
	Error *struct{ Err string }
}

func (p *sourcePackage) own() bool {
	return !p.Standard && p.Dir != "" &&
		(p.Module == nil || p.Module.Main || p.Module.Replace != nil && p.Module.Replace.Version == "")
}

// list asks the go command for the packages and files of the program. If a program does not build,
// it is listed as far as possible. If shown is not nil, the go command also sees that file.
func (p *Program) list(ctx context.Context, shown *shownFile) (*sources, error) {
	if p.Executable != "" {
		return &sources{}, nil
	}
	const fields = "-json=Dir,ImportPath,Name,Standard,GoFiles,CgoFiles,EmbedFiles,EmbedPatterns,CFiles,CXXFiles,HFiles,SFiles,Module,Error"
	cmd := p.goCommand(ctx, slices.Concat([]string{"list", "-e", "-deps", fields}, p.arguments(shown))...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("serving: reloading needs the go command, which is not in PATH: install Go, or serve without Reload")
	}
	if err != nil {
		if text := strings.TrimSpace(complaint.String()); text != "" {
			return nil, fmt.Errorf("serving: the go command does not find the files of %s: %s", p.Package, text)
		}
		return nil, fmt.Errorf("serving: go list %s: %w", p.Package, err)
	}
	s := &sources{paths: map[string]bool{}, faults: map[string]string{}, shown: shown}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg sourcePackage
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("serving: go list %s: %w", p.Package, err)
		}
		s.paths[pkg.ImportPath] = true
		if pkg.Error != nil {
			s.faults[pkg.ImportPath] = pkg.Error.Err
		}
		if shown != nil {
			pkg.GoFiles = slices.DeleteFunc(pkg.GoFiles, func(name string) bool { return filepath.Join(pkg.Dir, name) == shown.path })
		}
		if !pkg.own() {
			if pkg.Error != nil && pkg.Dir == "" {
				s.missing = pkg.Error.Err
			}
			continue
		}
		s.packages = append(s.packages, pkg)
		if m := pkg.Module; m != nil {
			if !slices.Contains(s.modules, m.Path) {
				s.modules = append(s.modules, m.Path)
			}
			s.addFile(m.GoMod)
			s.addFile(strings.TrimSuffix(m.GoMod, ".mod") + ".sum")
		}
	}
	if out, err := p.goCommand(ctx, "env", "GOWORK", "GOFLAGS").Output(); err == nil {
		work, flags, _ := strings.Cut(string(out), "\n")
		if work = strings.TrimSpace(work); work != "" && work != "off" {
			s.addFile(work)
			s.addFile(work + ".sum")
		}
		s.goFlags = strings.Fields(flags)
	}
	return s, nil
}

func (s *sources) addFile(name string) {
	if name != "" && !slices.Contains(s.files, name) {
		s.files = append(s.files, name)
	}
}

// check returns an error if the package is not a program.
func (p *Program) check(s *sources) error {
	if p.Executable != "" {
		return nil
	}
	if len(s.packages) == 0 {
		return fmt.Errorf("serving: %s is not a package of this module or workspace (\"go work use\" adds a module): name the folder of a main package, as in ./cmd/app: %s", p.Package, s.missing)
	}
	last := s.packages[len(s.packages)-1] // dependencies come first
	if last.Name != "" && last.Name != "main" {
		return fmt.Errorf("serving: %s is package %s, and a program is package main: name the folder of one, as in ./cmd/app", p.Package, last.Name)
	}
	return nil
}

// build compiles the program into the file out, with the debug information that a debugger needs
// for the author's own packages. If the source is at fault, the error is a *Failure.
func (p *Program) build(ctx context.Context, s *sources, out string) error {
	args := slices.Concat([]string{"build", "-o", out}, compileFlags(s))
	if !slices.ContainsFunc(slices.Concat(s.goFlags, p.Flags), isLinkFlag) {
		// Compressing the debug information would take a fifth of the linking time.
		args = append(args, "-ldflags=-compressdwarf=false")
	}
	cmd := p.goCommand(ctx, slices.Concat(args, p.arguments(s.shown))...)
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Failure{Kind: BuildFailed, Command: "go build " + strings.Join(append(p.Flags, p.Package), " "), Err: err, Output: string(text), Problems: problems(p.Dir, string(text))}
	}
	if _, err := os.Stat(out); err != nil {
		return fmt.Errorf("serving: go build %s made no program: %w", p.Package, err)
	}
	return nil
}

// compileFlags are the flags with which the go command compiles packages as build does.
func compileFlags(s *sources) []string {
	flags := []string{"-buildvcs=false", "-pgo=off"}
	for _, module := range s.modules {
		flags = append(flags, "-gcflags="+module+"/...=-N -l")
	}
	return append(flags, "-gcflags=command-line-arguments=-N -l")
}

// isLinkFlag reports whether a flag of "go build" is for the linker; the go
// command uses only the last such flag.
func isLinkFlag(flag string) bool {
	return strings.HasPrefix(strings.TrimLeft(flag, "-"), "ldflags")
}

// sameContent reports whether two executables are the same. Executables that
// are not the same differ in the build ID, at their beginning.
func sameContent(a, b string) bool {
	var files [2]*os.File
	for i, name := range []string{a, b} {
		f, err := os.Open(name)
		if err != nil {
			return false
		}
		defer f.Close()
		files[i] = f
	}
	var blocks [2][64 << 10]byte
	for {
		n, err := io.ReadFull(files[0], blocks[0][:])
		m, errOther := io.ReadFull(files[1], blocks[1][:])
		if n != m || err != errOther || !bytes.Equal(blocks[0][:n], blocks[1][:m]) {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
}

// A Problem is a place in the source for which the go command reports an error.
type Problem struct {
	File         string // absolute
	Line, Column int    // from 1; Column 0 when it is not known
	Message      string
}

var complaint = regexp.MustCompile(`^(?:vet: )?(.+?\.(?:go|mod|work|s|c|h)):(\d+)(?::(\d+))?: (.*)$`)

// problems reads the output of the go command, in which file names are relative to dir.
func problems(dir, output string) (found []Problem) {
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		m := complaint.FindStringSubmatch(line)
		if m == nil {
			// The further lines of a message are indented.
			if len(found) > 0 && strings.HasPrefix(line, "\t") {
				found[len(found)-1].Message += "\n" + line
			}
			continue
		}
		p := Problem{File: strings.TrimSpace(m[1]), Message: m[4]}
		p.Line, _ = strconv.Atoi(m[2])
		p.Column, _ = strconv.Atoi(m[3])
		if !filepath.IsAbs(p.File) {
			p.File = filepath.Join(dir, p.File)
		}
		found = append(found, p)
	}
	return found
}

// Kind is the kind of a [Failure].
type Kind string

// The kinds of failures.
const (
	BuildFailed Kind = "build"
	StartFailed Kind = "start" // the program ended before it served
	Died        Kind = "died"  // the program ended while it served
	Refused     Kind = "refused"
	Waiting     Kind = "waiting" // the program is being built, or has not served yet
)

// A Failure says why the newest source is not being served.
type Failure struct {
	Kind     Kind
	Command  string
	Err      error
	Output   string // of the go command or the program
	Problems []Problem

	// For a program that died: the debugger's page, and where its variables are.
	report *debugger.Report
	live   debugger.Live
	lost   []debugger.Field // requests that were running
}

// Error returns what happened, in one line.
func (f *Failure) Error() string {
	switch f.Kind {
	case BuildFailed:
		return "the program does not build"
	case StartFailed:
		return fmt.Sprintf("the program ended before it served: %v", f.Err)
	case Refused:
		return f.Err.Error()
	case Waiting:
		return "the program is not ready yet"
	}
	return fmt.Sprintf("the program ended: %v", f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }
