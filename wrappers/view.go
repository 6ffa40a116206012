package wrappers

import (
	"errors"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/timeline"
)

var errNoResponse = errors.New("the view returned neither a response nor an error")

// View is an application, or a part of one, that returns its response. An error
// is answered through [httperror.Respond]: an HTTP error or a redirect of the
// router becomes its own response, and any other error a logged 500 or the
// debugger's page. A request that [Request.CheckFields] refuses is answered
// without calling the view.
type View func(*Request) (*Response, error)

// ServeHTTP calls the view and sends what it returns.
func (v View) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := NewRequest(r)
	if c, ok := r.Body.(*content); !ok || c.first != req { // the Request is not that of an outer view
		defer req.Close()
	}
	if err := req.CheckFields(); err != nil {
		httperror.Respond(w, req.Request, err)
		return
	}
	span := v.mark(req)
	resp, err := v(req)
	span.End()
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

// mark begins the mark of the view on the time line of a request.
func (v View) mark(req *Request) timeline.Span {
	if !recording.On() {
		return timeline.Span{}
	}
	return timeline.Start(req.Context(), "view", recording.NameOf(v))
}
