// Package templates renders pongo2 templates (Django's and Jinja's syntax) into
// responses.
//
// An [Environment] is a file system of templates with the application's own
// globals and filters. Names are relative to its root, in Go as in the tags
// extends, include and import; a name that begins in "./" or "../" is relative
// to the template that says it. Nothing outside the file system is ever read:
// an absolute name and one that climbs out are errors, and the tag ssi, with
// which pongo2 reads any file of the machine, is not there.
//
// Texts are escaped as HTML. That holds for strings and types made of strings;
// of any other value pongo2 writes what its String method returns as it is. So
// pass what a person typed as a string, or write {{ v|stringformat:"%s" }}.
//
// In a template, url_for("endpoint", "name", value, …) builds a URL as the
// application's routing map does (with "_external", true an absolute one),
// static_url("style.css") that of a static file, and request is the
// [wrappers.Request].
package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"sync"

	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/wrappers"
)

// Context holds the names that a template may use, with their values. A name
// is made of letters, digits and underscores. Functions are called by their
// arguments in order; one that returns an error ends the rendering with it.
type Context map[string]any

// Options are the settings of an [Environment]. The zero value is usable.
type Options struct {
	// Reload reads and parses the templates anew for each rendering: for
	// development. Otherwise each is parsed once.
	Reload bool
	// Globals are known in every template; a name of a rendering's own Context
	// goes before them. Functions may be called by several goroutines at once.
	Globals Context
	// Filters are known in every template as {{ value|name }} and
	// {{ value|name:argument }}.
	Filters map[string]Filter
	// URLs builds the URLs of url_for. Without it that name is unknown.
	URLs URLs
	// StaticURL builds the URLs of static_url. Without it that name is unknown.
	StaticURL StaticURL
}

// Environment is a set of templates that share a file system, globals and
// filters. It is safe for concurrent use.
type Environment struct {
	files   fs.FS
	options Options

	mu     sync.RWMutex
	parsed map[string]*pongo2.Template
}

// New returns the Environment of the templates in files, or an error that names
// what is wrong with the options. Unless o.Reload is set it parses every
// template whose name ends in ".html", so that a mistake in one is found before
// the first request; the error joins an [*Error] for each.
//
// To read a directory and nothing a symbolic link in it leads to outside, take
// the file system of an [os.Root].
func New(files fs.FS, o Options) (*Environment, error) {
	if err := publish(o.Filters); err != nil {
		return nil, err
	}
	e := &Environment{files: files, options: o, parsed: map[string]*pongo2.Template{}}
	if o.Reload {
		return e, nil
	}
	var mistakes []error
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && path.Ext(name) == ".html" {
			if _, err := e.template(name); err != nil {
				mistakes = append(mistakes, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return e, nil
}

// Render answers req with the template called name. The response's media type
// follows the name: text/plain for ".txt", application/xml for ".xml" and
// text/html for any other, all in UTF-8. A failure is an [*Error].
func (e *Environment) Render(req *wrappers.Request, name string, context Context) (*wrappers.Response, error) {
	run := &rendering{environment: e, request: req}
	body, err := run.execute(name, context)
	if err != nil {
		return nil, err
	}
	return wrappers.NewResponse(mediaType(name), body), nil
}

// Text renders the template called name apart from any request, such as a
// mail: url_for, static_url and request are unknown in it. A failure is an
// [*Error].
func (e *Environment) Text(name string, context Context) (string, error) {
	run := &rendering{environment: e}
	body, err := run.execute(name, context)
	return string(body), err
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".xml":
		return "application/xml; charset=utf-8"
	}
	return "text/html; charset=utf-8"
}

// template returns the parsed template called name, or an *Error.
func (e *Environment) template(name string) (*pongo2.Template, error) {
	e.mu.RLock()
	t := e.parsed[name]
	e.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	load := &loader{files: e.files}
	t, err := parse(load, e.options.Globals, name)
	if err != nil {
		return nil, e.failure(name, err)
	}
	// A template that computes the name of another parses that one while it
	// runs, and a set of pongo2's may not parse twice at once: such templates
	// are parsed for each rendering, into a set of their own.
	if !e.options.Reload && !load.computes {
		e.mu.Lock()
		e.parsed[name] = t
		e.mu.Unlock()
	}
	return t, nil
}

// parse gives each template a set of its own, which nothing else changes.
func parse(load *loader, globals Context, name string) (t *pongo2.Template, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = caught(p)
		}
	}()
	set := pongo2.NewSet(name, load)
	set.Globals = pongo2.Context(globals)
	if err := set.BanTag("ssi"); err != nil {
		return nil, err
	}
	return set.FromFile(load.Abs("", name))
}

// rendering is one execution of a template, for a request if there is one.
type rendering struct {
	environment *Environment
	request     *wrappers.Request
	cause       error // what a function of ours failed with, which pongo2 keeps as text only
}

func (run *rendering) execute(name string, context Context) (body []byte, err error) {
	t, err := run.environment.template(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			body, err = nil, run.environment.failure(name, caught(p))
		}
	}()
	body, err = t.ExecuteBytes(run.context(context))
	if err != nil {
		failure := run.environment.failure(name, err)
		if run.cause != nil {
			failure.Err = run.cause
		}
		return nil, failure
	}
	return body, nil
}

// context adds the names that belong to the request to those of the caller.
func (run *rendering) context(own Context) pongo2.Context {
	all := pongo2.Context{}
	if run.request != nil {
		all["request"] = run.request
		if run.environment.options.URLs != nil {
			all["url_for"] = run.urlFor
		}
		if run.environment.options.StaticURL != nil {
			all["static_url"] = run.staticURL
		}
	}
	maps.Copy(all, own)
	return all
}
