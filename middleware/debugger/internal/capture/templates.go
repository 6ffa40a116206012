package capture

import (
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// A mistake in a template is in a file that Go's stack does not contain. It is
// shown as an additional frame, the newest.

// templateError is an error that knows its place in a template, as
// templates.Error does.
type templateError interface {
	error
	// Place returns the template's name, the line and column of the mistake
	// (from 1, or 0 if not known), and the template's whole text or "".
	Place() (name string, line, column int, source string)
}

// maxVariables is how many variables of a template are shown.
const maxVariables = 64

// variables returns the names that were passed to a template, if the error knows them.
func (s *sources) variables(err error, secret func(string) bool) (list []*Value) {
	defer func() {
		if recover() != nil {
			list = nil
		}
	}()
	e, ok := err.(interface{ Variables() map[string]any })
	if !ok {
		return nil
	}
	all := e.Variables()
	d := s.Dumper(dump.PageValues)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(list) == maxVariables {
			return append(list, &Value{Name: "…", Text: strconv.Itoa(len(all)-maxVariables) + " more"})
		}
		value := d.Of(all[name])
		if secret(name) && all[name] != nil {
			value = &Value{Type: value.Type, Text: Masked}
		}
		value.Name = dump.Cut(name, MaxField)
		list = append(list, value)
	}
	return list
}

// templateFrame is the frame of an error in a template. Its message is passed in, because the
// method may never return.
func templateFrame(cause Cause) (frame Frame, ok bool) {
	defer func() {
		if recover() != nil {
			frame, ok = Frame{}, false
		}
	}()
	frame = Frame{Function: "template", Template: true}
	var source string
	switch e := cause.err.(type) {
	case templateError:
		frame.File, frame.Line, frame.Column, source = e.Place()
	case template.ExecError, *htmltemplate.Error:
		frame.File, frame.Line, source = standardPlace(cause.Message)
	default:
		frame.File, frame.Line, source = standardPlace(cause.Message)
		if source == "" {
			return Frame{}, false // it may be any error with such a message
		}
	}
	frame.Source = excerpt(plain(source), frame.Line)
	return frame, frame.File != ""
}

// standardError matches the message of an error from a standard template: it
// has the place, and perhaps the part of the template that failed.
var standardError = regexp.MustCompile(`^(?:html/)?template: ?([^:\n]+):(\d+)(?::\d+)?: (?:executing "[^"\n]*" at <([^>\n]+)>)?`)

// standardPlace finds the place in an error of text/template or html/template. Such an error has
// the name of a file without its folder. The file is looked for below the module's folder. It is
// used only if exactly one has the name, and its line contains the part that failed: no line at all
// is better than a wrong one.
func standardPlace(text string) (file string, line int, source string) {
	m := standardError.FindStringSubmatch(text)
	if m == nil {
		return "", 0, ""
	}
	line, _ = strconv.Atoi(m[2])
	name, piece := m[1], strings.TrimSuffix(m[3], "...")
	path := findBelow(place.ModuleRoot(""), filepath.FromSlash(name))
	if path == "" {
		return name, line, ""
	}
	text, ok := readSource(path)
	lines := plain(text)
	if !ok || line < 1 || line > len(lines) || piece != "" && !strings.Contains(lines[line-1].Text, piece) {
		return name, line, ""
	}
	return path, line, text
}

// maxLooked is how many files and folders are searched for a template.
const maxLooked = 5000

// findBelow returns the only file below dir with the name (a path of one or
// more elements), or "".
func findBelow(dir, name string) string {
	if dir == "" || !filepath.IsLocal(name) {
		return ""
	}
	found, looked := "", 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if looked++; looked > maxLooked {
			return os.ErrNotExist
		}
		switch base := entry.Name(); {
		case err != nil && entry.IsDir():
			return fs.SkipDir
		case entry.IsDir() && path != dir && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "vendor"):
			return fs.SkipDir
		case entry.Type().IsRegular() && strings.HasSuffix(path, string(filepath.Separator)+name):
			if found != "" {
				return fs.ErrExist
			}
			found = path
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return found
}
