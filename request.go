package zeug

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/similar"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/timeline"
	"github.com/zeugkit/zeug/wrappers"
)

// Request is a request that a route of an App matched. It has everything of [wrappers.Request],
// such as Query, Form, Files, Cookies and JSON, and what belongs to the application: the variables
// of the route, URLs by endpoint, templates, the session.
//
// A Request is for the goroutine that calls the view.
type Request struct {
	*wrappers.Request

	// Params are the variables of the rule that matched, and its defaults.
	Params routing.Params

	app     *App
	failed  error            // the error with which fail stopped the view
	sending bool             // the view has returned
	own     wrappers.Request // Request points to it, unless an outer view has already made one
}

// URL returns the URL of an endpoint, as seen from this request. It is followed by names and values
// of the rule's variables in turn; names that the rule does not have become the query.
//
//	req.URL("show", "id", 7)                // "/items/7"
//	req.URL("list", "page", 2)              // "/items/?page=2"
//
// The result is a path, or an absolute URL if the endpoint is on another host.
//
// A mistake never becomes a wrong link. If the endpoint does not exist, a variable is missing, or
// its converter refuses the value, URL stops the view, and the *[routing.BuildError] answers the
// request: a logged 500, or the debugger's page in development. Call it from the goroutine
// that runs the view. [App.URLs] returns the error instead, and builds absolute URLs.
//
// The URL that the client requested is req.Request.URL.
func (req *Request) URL(endpoint string, namesAndValues ...any) string {
	values, err := routing.Pairs(namesAndValues...)
	if err == nil {
		var url string
		if url, err = req.app.urls.Bind(req.Request.Request).Build(endpoint, values...); err == nil {
			return url
		}
	}
	req.fail(fmt.Errorf("URL(%q): %w", endpoint, err))
	return ""
}

// StaticURL returns the URL of a file that [Static] serves, with its fingerprint: "style.css" becomes
// "/static/style.3f9a1cd02b44.css". A name that does not exist stops the view as a mistake in
// [Request.URL] does.
func (req *Request) StaticURL(name string) string {
	url, err := req.staticURL(name)
	if err != nil {
		req.fail(fmt.Errorf("StaticURL(%q): %w", name, err))
	}
	return url
}

var errNoStatic = errors.New("the App has no static files: give New a Static")

func (req *Request) staticURL(name string) (string, error) {
	if req.app.static == nil {
		return "", errNoStatic
	}
	return req.app.static.StaticURL(req.Request, name)
}

// Param returns the variable called name of the rule that matched: an int for "<int:id>", a float64, a
// string, a [github.com/google/uuid.UUID], or what a converter of the application returns.
//
//	id := zeug.Param[int](req, "id")
//
// A name that the rule does not have, or a variable of another type, stops the view as a mistake in
// [Request.URL] does. The error names the rule's variables.
func Param[T any](req *Request, name string) T {
	value, ok := routing.Param[T](req.Params, name)
	if !ok {
		req.fail(paramError[T](req, name))
	}
	return value
}

func paramError[T any](req *Request, name string) error {
	var zero T
	if value, ok := req.Params.Get(name); ok {
		return fmt.Errorf("Param[%T](%q): the variable is of type %T", zero, name, value)
	}
	var names []string
	for known := range req.Params.All() {
		names = append(names, known)
	}
	hint := ""
	if near, likeness := similar.Name(name, names); likeness >= 0.3 {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return fmt.Errorf("Param[%T](%q): the rule that matched has the variables %q%s", zero, name, names, hint)
}

// Render returns the page that a template makes from the context. [Templates] must be among the
// parts of the App. The template can use the names of the context and the names that [Templates]
// describes.
func (req *Request) Render(name string, context map[string]any) (*Response, error) {
	app := req.app
	if app.pages == nil {
		return nil, fmt.Errorf("Render(%q): the App has no templates: give New a Templates", name)
	}
	var static func(name string) (string, error)
	if app.static != nil {
		static = req.staticURL
	}
	if app.session {
		all := map[string]any{"session": req.Session(), "get_flashed_messages": req.flashes}
		maps.Copy(all, context)
		context = all
	}
	return app.pages.RenderWith(req.Request, app.urls.Bind(req.Request.Request), static, name, context)
}

// Session returns the visitor's session. [Sessions] must be among the parts of the App: without it
// Session stops the view as a mistake in [Request.URL] does.
func (req *Request) Session() *sessions.Session {
	session, ok := sessions.FromContext(req.Context())
	if !ok {
		req.fail(errNoSessions)
	}
	return session
}

var errNoSessions = errors.New("the App has no sessions: give New a Sessions")

// Flash keeps a message for the next page that shows messages, usually the one that a redirect
// leads to. An empty category is "message".
func (req *Request) Flash(text, category string) { req.Session().Flash(text, category) }

// Flashes returns the messages that [Request.Flash] kept for the visitor, and removes them. With
// categories it returns only the messages of these.
func (req *Request) Flashes(categories ...string) []sessions.Message {
	return req.Session().Flashes(categories...)
}

// flashes is the function get_flashed_messages of templates.
func (req *Request) flashes(categories ...string) []sessions.Message {
	return req.Flashes(categories...)
}

// serve calls a view and sends its response.
func (app *App) serve(w http.ResponseWriter, r *http.Request, view View, params routing.Params) {
	req := &Request{Params: params, app: app}
	req.Request = wrappers.NewRequestIn(&req.own, r)
	if req.Request.Request != r { // the Request of the body was made here, so its files end here
		defer req.close()
	} else {
		defer req.removeFiles(r)
	}
	if err := req.CheckFields(); err != nil {
		httperror.Respond(w, req.Request.Request, err)
		return
	}
	defer req.answerFailure(w)
	span := view.mark(r)
	resp, err := view(req)
	span.End()
	req.sending = true
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if err != nil {
		if resp != nil {
			if err := resp.Close(); err != nil {
				httperror.Log(req.Request.Request, fmt.Errorf("close the response that is not sent: %w", err))
			}
		}
		httperror.Respond(w, req.Request.Request, err)
		return
	}
	resp.ServeHTTP(w, req.Request.Request)
}

// mark begins the mark of the view on the time line of a request.
func (v View) mark(r *http.Request) timeline.Span {
	if !recording.On() {
		return timeline.Span{}
	}
	return timeline.Start(r.Context(), "view", recording.NameOf(v))
}

var errNoResponse = errors.New("the view returned neither a response nor an error")

func (req *Request) close() {
	if err := req.Request.Close(); err != nil {
		httperror.Log(req.Request.Request, fmt.Errorf("close the request: %w", err))
	}
}

// removeFiles removes the uploads that a copy of r holds, which Configure may have made.
func (req *Request) removeFiles(r *http.Request) { requestcopy.RemoveFiles(req.Request.Request, r) }

// stopped is the error with which a view was stopped, and the place.
type stopped struct {
	error
	callers []uintptr
}

func (s *stopped) Unwrap() error { return s.error }

// Callers returns the program counters of the call that failed; the debugger shows them.
func (s *stopped) Callers() []uintptr { return s.callers }

// fail stops the view. A link is used in the middle of an expression, where no error can be
// returned. So fail panics, and answerFailure, which serve defers, answers with the error. A panic
// of the view's own code continues unchanged.
func (req *Request) fail(err error) {
	var pcs [64]uintptr
	n := runtime.Callers(3, pcs[:])
	req.failed = &stopped{fmt.Errorf("zeug: %w", err), pcs[:n:n]}
	panic(req.failed)
}

func (req *Request) answerFailure(w http.ResponseWriter) {
	if req.failed == nil {
		return
	}
	switch p := recover(); p {
	case nil: // the view recovered, and continued
		return
	case any(req.failed):
	default:
		panic(p)
	}
	if req.sending { // part of a stream may have been sent already: the client must not mistake it for the whole
		httperror.Log(req.Request.Request, req.failed)
		panic(http.ErrAbortHandler)
	}
	httperror.Respond(w, req.Request.Request, req.failed)
}
