package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/serving"
)

// exitError ends the command with a code of its own.
type exitError struct {
	error
	code int
}

func (e *exitError) Unwrap() error { return e.error }

// The codes of an application that does not start, beside those of
// serving.ExitCode: starting it again helps in the one case and not in the other.
const (
	exitSoftware = 70 // EX_SOFTWARE: it raised an exception
	exitConfig   = 78 // EX_CONFIG: there is no such application
)

// importFrames are those of Python's import, between the application's own.
var importFrames = regexp.MustCompile(`(?m)^  File "(?:<frozen [^"]*>|[^"]*/importlib/__init__\.py)".*\n(?:    .*\n)*`)

var missingModule = regexp.MustCompile(`^ModuleNotFoundError: No module named '(.+)'$`)

// explained says in one line what to do about an application that cannot be
// imported, after the traceback if the mistake is in the application.
func explained(err error, s *pythonServer) error {
	var traceback *wsgi.Traceback
	if !errors.As(err, &traceback) || !traceback.Importing {
		return err
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

// exitCode is that of the whole command.
func exitCode(err error) int {
	var usage *usageError
	var exit *exitError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.As(err, &exit):
		return exit.code
	}
	return serving.ExitCode(err)
}
