// Package templates renders pongo2 templates (Django's and Jinja's syntax) into
// responses.
//
// An [Environment] is a file system of templates with the application's own
// globals and filters. Names are relative to its root, in Go as in the tags
// extends, include and import. A name that begins with "./" or "../" is
// relative to the template that contains it. Nothing outside the file system is
// ever read: absolute names, and names that lead out of it, are errors, and the
// tag ssi, with which pongo2 reads any file of the machine, does not exist.
//
// Every value is escaped as HTML, whatever its type, unless the template marks it as safe ({{
// v|safe }}) or a function returns a [pongo2.AsSafeValue]. Errors and values with a String method
// print the result of that method, and lists, maps and structs print their members.
//
// A call of a function or method that does not exist is an error. With Options.Reload, {{ name }}
// is also an error if the variable or field does not exist, unless a filter has a default for it. A
// missing key in a map is not an error.
//
// In a template, url_for("endpoint", "name", value, …) builds a URL of the application's routing
// map (an absolute one with "_external", true), static_url("style.css") returns the URL of a static
// file, and request is the [wrappers.Request].
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
// is made of letters, digits and underscores. Functions are called with their
// arguments in order; if one returns an error, the rendering ends with that
// error.
type Context = map[string]any

// Options are the settings of an [Environment]. The zero value is usable.
type Options struct {
	// Dir is the directory of the file system that holds the templates, such as
	// "templates" of an [embed.FS]. "" is its root.
	Dir string
	// Reload reads and parses the templates again for each rendering, for development. Otherwise
	// each is parsed once.
	Reload bool
	// Globals can be used in every template; names of a rendering's own Context
	// take precedence. Functions may be called by several goroutines at once.
	Globals Context
	// Filters can be used in every template as {{ value|name }} and {{ value|name:argument }}.
	Filters map[string]Filter
	// URLs returns a Map that is bound to the request. url_for builds its URLs with that. Without
	// URLs, url_for does not exist.
	URLs func(req *wrappers.Request) routing.Builder
	// StaticURL builds the URLs of static_url. Without it, static_url does not exist.
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

// parsed is a template, with the names that it and all templates it includes call and define.
type parsed struct {
	*pongo2.Template
	calls, macros map[string]bool
}

// New returns the Environment of the templates in files, or an error that names the invalid option.
// Unless o.Reload is set, it parses every template whose name ends with ".html", so that a mistake
// is found before the first request. The error joins an [*Error] for each mistake.
//
// To read a directory, but nothing outside to which a symbolic link leads, use
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

// MustNew is like [New], but panics if there is an error. Use it for templates
// that are compiled into the program.
func MustNew(files fs.FS, o Options) *Environment {
	e, err := New(files, o)
	if err != nil {
		panic(err)
	}
	return e
}

// Render answers req with the template called name. The name decides the
// response's media type: text/plain for ".txt", application/xml for ".xml", and
// otherwise text/html, all in UTF-8. If it fails, the error is an [*Error].
func (e *Environment) Render(req *wrappers.Request, name string, context Context) (*wrappers.Response, error) {
	return e.RenderWith(req, nil, nil, name, context)
}

// RenderWith is like [Environment.Render], but for an application that has its own URLs:
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

// Text renders the template called name without a request, for example for a
// mail: url_for, static_url and request do not exist in it. If it fails, the
// error is an [*Error].
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

// parse gives each template a separate set, which nothing else changes.
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
	cause       error                             // the error of one of our functions, of which pongo2 keeps only a string
	failure     *Error                            // of a template whose name was computed
	at          *pongo2.Token                     // the last place that was reached
	nesting     int                               // how many nested macros and includes are running
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

// context adds the names for the request to those of the caller.
func (run *rendering) context(own Context) pongo2.Context {
	all := pongo2.Context{}
	if run.request != nil {
		all["request"] = run.request
		options := &run.environment.options
		if options.URLs != nil {
			run.urls = options.URLs(run.request)
		}
		if run.urls != nil {
			all["url_for"] = linkFunc(run.urlFor)
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
