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
// Every value is escaped as HTML, whatever its type, unless the template marks it as safe ({{
// v|safe }}) or a function returns a [pongo2.AsSafeValue]. Errors and values with a String method
// print its result, lists, maps and structs their members.
//
// A call of a function or method that does not exist is an error. With Options.Reload,
// so is {{ name }} of a variable or field that does not exist, unless a filter has a
// default for it. A map may lack a key.
//
// In a template, url_for("endpoint", "name", value, …) builds a URL as the application's routing
// map does (with "_external", true an absolute one), static_url("style.css") returns that of a
// static file, and request is the [wrappers.Request].
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

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/timeline"
	"github.com/zeugkit/zeug/wrappers"
)

// Context holds the names that a template may use, with their values. A name
// is made of letters, digits and underscores. Functions are called by their
// arguments in order; one that returns an error ends the rendering with it.
type Context = map[string]any

// Options are the settings of an [Environment]. The zero value is usable.
type Options struct {
	// Dir is the directory of the file system that holds the templates, such as
	// "templates" of an [embed.FS]. "" is its root.
	Dir string
	// Reload reads and parses the templates again for each rendering: for development. Otherwise each
	// is parsed once.
	Reload bool
	// Globals are known in every template; a name of a rendering's own Context
	// goes before them. Functions may be called by several goroutines at once.
	Globals Context
	// Filters are known in every template as {{ value|name }} and
	// {{ value|name:argument }}.
	Filters map[string]Filter
	// URLs builds the URLs of url_for, by a Map bound to the request. Without it that name is unknown.
	URLs func(req *wrappers.Request) routing.Builder
	// StaticURL builds the URLs of static_url. Without it that name is unknown.
	StaticURL func(req *wrappers.Request, name string) (string, error)
}

// Environment is a set of templates that share a file system, globals and
// filters. It is safe for concurrent use.
type Environment struct {
	files   fs.FS
	options Options

	mu     sync.RWMutex
	parsed map[string]*parsed
}

// parsed is a template with the names that it and the templates it is made of call and
// define.
type parsed struct {
	*pongo2.Template
	calls, macros map[string]bool
}

// New returns the Environment of the templates in files, or an error that names the option that is
// not valid. Unless o.Reload is set it parses every template whose name ends in ".html", so that a
// mistake in one is found before the first request; the error joins an [*Error] for each.
//
// To read a directory and nothing a symbolic link in it leads to outside, take
// the file system of an [os.Root].
func New(files fs.FS, o Options) (*Environment, error) {
	if o.Dir != "" {
		var err error
		if files, err = fs.Sub(files, o.Dir); err != nil {
			return nil, fmt.Errorf("templates: Options.Dir: %w", err)
		}
	}
	if err := publish(o.Filters); err != nil {
		return nil, err
	}
	e := &Environment{files: files, options: o, parsed: map[string]*parsed{}}
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

// MustNew is [New] for templates that are compiled into the program: it panics if New
// returns an error.
func MustNew(files fs.FS, o Options) *Environment {
	e, err := New(files, o)
	if err != nil {
		panic(err)
	}
	return e
}

// Render answers req with the template called name. The response's media type
// follows the name: text/plain for ".txt", application/xml for ".xml" and
// text/html for any other, all in UTF-8. A failure is an [*Error].
func (e *Environment) Render(req *wrappers.Request, name string, context Context) (*wrappers.Response, error) {
	return e.RenderWith(req, nil, nil, name, context)
}

// RenderWith is [Environment.Render] for an application that has its own URLs:
// url_for builds with urls and static_url with static, unless the options set
// them. Either may be nil.
func (e *Environment) RenderWith(req *wrappers.Request, urls routing.Builder, static func(name string) (string, error), name string, context Context) (*wrappers.Response, error) {
	run := &rendering{environment: e, request: req, urls: urls, static: static}
	var span timeline.Span
	if req != nil && req.Request != nil {
		span = timeline.Start(req.Context(), "template", name)
	}
	body, err := run.execute(name, context)
	span.End()
	if err != nil {
		rendered(err, context)
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
	if err != nil {
		rendered(err, context)
	}
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
func (e *Environment) template(name string) (*parsed, error) {
	name = (&loader{}).Abs("", name)
	e.mu.RLock()
	t := e.parsed[name]
	e.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := e.parse(name)
	if err != nil {
		return nil, e.failure(name, err)
	}
	if !e.options.Reload {
		e.mu.Lock()
		e.parsed[name] = t
		e.mu.Unlock()
	}
	return t, nil
}

// parse gives each template a set of its own, which nothing else changes.
func (e *Environment) parse(name string) (t *parsed, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = caught(p)
		}
	}()
	t = &parsed{calls: map[string]bool{}, macros: map[string]bool{}}
	set := pongo2.NewSet(name, &loader{files: e.files, names: t})
	set.Globals = pongo2.Context(e.options.Globals)
	if err := set.BanTag("ssi"); err != nil {
		return nil, err
	}
	t.Template, err = set.FromFile(name)
	return t, err
}

// rendering is one execution of a template, for a request if there is one.
type rendering struct {
	environment *Environment
	request     *wrappers.Request
	urls        routing.Builder                   // nil without url_for
	static      func(name string) (string, error) // nil without static_url
	cause       error                             // the error of one of our functions, which pongo2 keeps as a string only
	failure     *Error                            // of a template whose name was computed
	at          *pongo2.Token                     // the last place that was reached
	nesting     int                               // how many macros and includes are open
	state       map[any]any                       // of tags such as cycle
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
			body, err = nil, run.environment.failureAt(run.at, name, caught(p))
		}
	}()
	own := run.context(context)
	run.defineMissing(own, t)
	body, err = t.ExecuteBytes(own)
	if err != nil {
		if run.failure != nil {
			return nil, run.failure
		}
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
		options := &run.environment.options
		if options.URLs != nil {
			run.urls = options.URLs(run.request)
		}
		if run.urls != nil {
			all["url_for"] = run.urlFor
		}
		if static := options.StaticURL; static != nil {
			run.static = func(name string) (string, error) { return static(run.request, name) }
		}
		if run.static != nil {
			all["static_url"] = run.staticURL
		}
	}
	maps.Copy(all, own)
	all[keyRendering] = run
	return all
}
