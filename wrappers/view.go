package wrappers

import (
	"errors"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
)

var errNoResponse = errors.New("the view returned neither a response nor an error")

// View is an application, or a part of one, that returns its answer. An error
// answers through [httperror.Respond]: an HTTP error or a redirect of the
// router for itself, any other as a logged 500 or the debugger's page.
type View func(*Request) (*Response, error)

// ServeHTTP calls the view and sends what it returns.
func (v View) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := NewRequest(r)
	if req.Request != r { // it is ours, not of a view further out
		defer req.Close()
	}
	resp, err := v(req)
	if err != nil {
		if resp != nil {
			resp.logClose(req.Request)
		}
		httperror.Respond(w, req.Request, err)
		return
	}
	if resp == nil {
		httperror.Respond(w, req.Request, errNoResponse)
		return
	}
	resp.ServeHTTP(w, req.Request)
}
