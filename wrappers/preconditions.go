package wrappers

import (
	"net/http"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
)

// CheckPreconditions evaluates the request's If-Match, If-Unmodified-Since,
// If-None-Match and If-Modified-Since against the state of what it asks for, in
// the order of RFC 9110, section 13.2.2. Call it before a change is made, or
// before an answer is prepared that the client may have:
//
//	if err := wrappers.CheckPreconditions(req.Request, state); err != nil {
//		return nil, err
//	}
//
// The error is a 412 (httperror.PreconditionFailed) where the request must not
// be performed, a [NotModified] where GET or HEAD ask for what the client has.
func CheckPreconditions(r *http.Request, state datastructures.State) error {
	switch datastructures.ParsePreconditions(r.Header).Evaluate(r.Method, state) {
	case http.StatusPreconditionFailed:
		return httperror.PreconditionFailed
	case http.StatusNotModified:
		return &NotModified{state}
	}
	return nil
}

// NotModified is the answer that the client has the current version (304). It
// is an error so that a view can return it as one.
type NotModified struct{ State datastructures.State }

// Error says that the resource was not modified.
func (*NotModified) Error() string { return "304 Not Modified" }

// ServeHTTP sends the status with the ETag, or else with Last-Modified.
func (n *NotModified) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	removeEntityHeaders(h)
	if !n.State.ETag.IsZero() {
		h["Etag"] = []string{n.State.ETag.String()}
	} else if !n.State.Modified.IsZero() {
		h["Last-Modified"] = []string{datastructures.FormatDate(n.State.Modified)}
	}
	w.WriteHeader(http.StatusNotModified)
}
