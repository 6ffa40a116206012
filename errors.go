package zeug

import (
	"errors"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// ErrorView answers a request that failed with err. It may return the error, or another one, which
// is then answered as if there were no ErrorView.
//
// If the response has no status, it gets that of the error. Header fields of the error, such as
// Allow of a 405, are added to the response.
type ErrorView func(req *Request, err error) (*Response, error)

// errorHandler is an ErrorView and what it is for.
type errorHandler struct {
	handles func(err error) bool
	view    ErrorView
	named   bool // the program expects the error: it named it, or its type
}

// OnError answers errors with a view. It is for errors that are target by [errors.Is]; an
// [httperror.Code] stands for all errors that are answered with it, [httperror.InternalServerError] also
// for those that no one expected. The first OnError of the list that matches the error handles it. In a
// [Group] it is for the group's routes, and takes precedence over those outside.
//
//	zeug.OnError(httperror.NotFound, func(req *zeug.Request, err error) (*zeug.Response, error) {
//		return req.Render("404.html", nil)
//	})
//
// An error that is not a code is expected, and not logged. In development the debugger shows all
// other errors that would be answered with 500, in place of the view.
func OnError(target error, view ErrorView) Part {
	code, isCode := target.(httperror.Code)
	return onError(written(), errorHandler{func(err error) bool {
		return errors.Is(err, target) || isCode && httperror.CodeOf(err) == code
	}, view, !isCode})
}

// OnErrorType answers errors of the type T with a view; see [OnError].
//
//	zeug.OnErrorType(func(req *zeug.Request, err *json.SyntaxError) (*zeug.Response, error) {
func OnErrorType[T error](view func(req *Request, err T) (*Response, error)) Part {
	return onError(written(), errorHandler{func(err error) bool {
		_, ok := errors.AsType[T](err)
		return ok
	}, func(req *Request, err error) (*Response, error) {
		typed, _ := errors.AsType[T](err)
		return view(req, typed)
	}, true})
}

// OnAnyError answers all errors with a view, except redirects; see [OnError].
func OnAnyError(view ErrorView) Part {
	return onError(written(), errorHandler{func(error) bool { return true }, view, false})
}

// ErrorPage answers errors with a status code by a template, and with the code 0 all errors. The
// template has the name error for the *[httperror.Error], whose Description is for the client.
//
//	zeug.ErrorPage(httperror.NotFound, "404.html"),
//	zeug.ErrorPage(0, "error.html"),
func ErrorPage(code httperror.Code, template string) Part {
	handles := func(err error) bool { return code == 0 || httperror.CodeOf(err) == code }
	return onError(written(), errorHandler{handles, func(req *Request, err error) (*Response, error) {
		e, ok := httperror.From(err)
		if !ok {
			return nil, err
		}
		return req.Render(template, map[string]any{"error": e})
	}, false})
}

// JSONErrors answers every error that no OnError of its list handles as a problem in JSON (RFC
// 9457), whatever the client accepts. Without it a client gets HTML unless it prefers JSON.
func JSONErrors() Part {
	return everywhere{written(), func(l *list, where string) { l.problems = true }}
}

func onError(where string, h errorHandler) Part {
	return everywhere{where, func(l *list, where string) {
		if h.view == nil {
			l.mistake(where, "the view of an error is nil")
			return
		}
		l.handlers = append(l.handlers, h)
	}}
}

// errorResponder returns the responder of the list's error handlers, nil without any.
func (l *list) errorResponder() httperror.Responder {
	if len(l.handlers) == 0 && !l.problems {
		return nil
	}
	app, handlers, problems := l.app, l.handlers, l.problems
	return func(w http.ResponseWriter, r *http.Request, err error) {
		e, ok := httperror.From(err)
		if !ok { // such as a redirect, which is a response itself
			httperror.Respond(w, r, err)
			return
		}
		debug := e.Code == httperror.InternalServerError && development.Debugging(r.Context())
		for _, h := range handlers {
			if h.handles(err) && (h.named || !debug) {
				if !h.named {
					httperror.Log(r, err)
				}
				app.serve(w, r, errorResponse(h.view, err, e), routing.Params{})
				return
			}
		}
		if problems && !debug {
			httperror.Problem(w, r, err)
			return
		}
		httperror.Respond(w, r, err)
	}
}

// errorResponse returns the view that calls an ErrorView with err.
func errorResponse(view ErrorView, err error, e *httperror.Error) View {
	return func(req *Request) (*wrappers.Response, error) {
		resp, err := view(req, err)
		if err != nil || resp == nil {
			return resp, err
		}
		if resp.Status == 0 {
			resp.Status = e.StatusCode()
		}
		h := resp.Header()
		for name, values := range e.Header {
			if _, ok := h[name]; !ok {
				h[name] = append([]string(nil), values...)
			}
		}
		return resp, nil
	}
}
