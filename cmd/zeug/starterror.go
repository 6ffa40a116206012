package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/internal/pidfile"
	"github.com/zeugkit/zeug/serving"
)

// exitError ends the command with a code of its own.
type exitError struct {
	error
	code int
}

func (e *exitError) Unwrap() error { return e.error }

// The codes of sysexits.h, beside those of serving.ExitCode: a supervisor starts the command again
// if that may help.
const (
	exitUsage    = 64 // EX_USAGE: the command line is wrong. Go's runtime exits with 2
	exitTaken    = 69 // EX_UNAVAILABLE: another server has the address or the file
	exitSoftware = 70 // EX_SOFTWARE: it raised an exception
	exitTempFail = 75 // EX_TEMPFAIL: it may start the next time
	exitConfig   = 78 // EX_CONFIG: there is no such application
)

// importFrames are the frames of Python's import, between those of the application.
var importFrames = regexp.MustCompile(`(?m)^  File "(?:<frozen [^"]*>|[^"]*/importlib/__init__\.py)".*\n(?:    .*\n)*`)

var missingModule = regexp.MustCompile(`^ModuleNotFoundError: No module named '(.+)'$`)

// explained says in one line what to do about an application that cannot be
// imported, after the traceback if the mistake is in the application.
func explained(err error, s *pythonServer) error {
	var traceback *wsgi.Traceback
	var held *pidfile.HeldError
	switch {
	case errors.As(err, &held):
		return &exitError{fmt.Errorf("%w: stop it, or name another file by --pid", held), exitTaken}
	case errors.Is(err, wsgi.ErrStartTimeout):
		return &exitError{fmt.Errorf("%w: --start-timeout gives it longer", inFlags(err)), exitTempFail}
	case errors.Is(err, wsgi.ErrStartEnded):
		return &exitError{inFlags(err), exitTempFail}
	}
	if !errors.As(err, &traceback) || !traceback.Importing {
		return inFlags(err)
	}
	text := strings.TrimRight(importFrames.ReplaceAllString(traceback.Text, ""), "\n")
	exception := text[strings.LastIndexByte(text, '\n')+1:]
	module, name, _ := strings.Cut(s.app, ":")
	inApplication := strings.Contains(text, "  File \"")
	_, message, _ := strings.Cut(exception, ": ")
	missing := missingModule.FindStringSubmatch(exception)
	dir, _ := filepath.Abs(s.dir)
	switch {
	case missing != nil && (module == missing[1] || strings.HasPrefix(module, missing[1]+".")) && !inApplication:
		return &exitError{fmt.Errorf("there is no module %s in %s: name the application as in module:name, and its folder as --dir", missing[1], dir), exitConfig}
	case !inApplication && strings.HasPrefix(exception, "AttributeError: ") && name != "":
		return &exitError{fmt.Errorf("%s: name the application that %s has, as in %s:app", message, module, module), exitConfig}
	case !inApplication:
		return &exitError{errors.New(message), exitConfig}
	}
	fmt.Fprintln(os.Stderr, text)
	if missing != nil {
		python := s.python
		if python == "" {
			python = "the Python that runs it"
		}
		return &exitError{fmt.Errorf("%s cannot be imported: it wants the module %s, which %s does not have: install it there, or name the interpreter of its virtual environment as --python", s.app, missing[1], python), exitSoftware}
	}
	return &exitError{fmt.Errorf("%s cannot be imported, the traceback above says where: %s", s.app, exception), exitSoftware}
}

// flagError is an error of a package in the words of the command line.
type flagError struct {
	error
	text string
}

func (e *flagError) Error() string { return e.text }

func (e *flagError) Unwrap() error { return e.error }

// field matches a field of the packages' settings. otherNames has the flags of the fields whose
// flags have another name.
var (
	field      = regexp.MustCompile(`\b(?:Options|Config)\.([A-Z]\w*)`)
	otherNames = map[string]string{
		"App": "the application", "Listen": "--bind", "PIDFile": "--pid", "RequestTimeout": "--timeout", "RetryIdempotent": "--retry",
		"SpoolChunked": "--spool", "StaticFiles": "--static", "TLS": "--cert", "IdleTimeout": "--keep-alive",
	}
	wordStart = regexp.MustCompile(`([a-z])([A-Z])`)
)

// inFlags names flags in place of the fields that an error of package serving or
// wsgi names.
func inFlags(err error) error {
	if err == nil {
		return nil
	}
	text := field.ReplaceAllStringFunc(err.Error(), func(found string) string {
		name := found[strings.IndexByte(found, '.')+1:]
		if flag, ok := otherNames[name]; ok {
			return flag
		}
		return "--" + strings.ToLower(wordStart.ReplaceAllString(name, "$1-$2"))
	})
	text = strings.TrimPrefix(strings.TrimPrefix(text, "serving: "), "wsgi: ")
	return &flagError{err, text}
}

// exitCode is the code of the whole command.
func exitCode(err error) int {
	var usage *usageError
	var exit *exitError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &exit):
		return exit.code
	}
	return serving.ExitCode(err)
}
