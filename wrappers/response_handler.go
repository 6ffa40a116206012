package wrappers

import (
	"errors"
	"net/http"
)

// handlerSource is a body, and a status, that another handler writes.
type handlerSource struct{ handler http.Handler }

func (handlerSource) length() int64 { return -1 }

func (handlerSource) sendTo(streamTarget) error { return errHandler }

var errHandler = errors.New("a response that is another handler has no body of its own: Capture it")

// Handler returns a Response that lets h answer: a plain handler as the result
// of a view, an upgrade to a WebSocket, a reverse proxy. The header fields of
// the Response are in place before h runs; status, body and the answer to
// conditions are h's.
func Handler(h http.Handler) *Response {
	resp := new(Response)
	resp.setSource(handlerSource{h})
	return resp
}
