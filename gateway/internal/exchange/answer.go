package exchange

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/secret"
)

// Answer runs handler for r and completes the response in w. A body longer than maxBody bytes is
// answered with 413; a negative maxBody means no limit. If its length was not sent, reading beyond
// the limit returns an [http.MaxBytesError]. A panic is answered with 500 if nothing was sent, and
// its stack goes to logger. The error says why the response is not complete.
func Answer(handler http.Handler, w *Writer, r *http.Request, maxBody int64, logger *slog.Logger) (err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		err = fmt.Errorf("handler panicked: %v", value)
		if value == http.ErrAbortHandler {
			return
		}
		logger.ErrorContext(r.Context(), "handler panicked", "method", r.Method, "uri", secret.URI(r.RequestURI), "panic", value, "stack", string(debug.Stack()))
		if !w.Began() {
			err = w.fail()
		}
	}()
	if maxBody >= 0 && r.ContentLength > maxBody {
		httperror.Respond(w, r, httperror.ContentTooLarge)
		return w.Close()
	}
	if maxBody >= 0 && r.ContentLength < 0 {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	defer requestcopy.RemoveFiles(r, &http.Request{})
	handler.ServeHTTP(w, r)
	if r.Context().Err() == context.DeadlineExceeded && !w.Began() {
		httperror.Respond(w, r, httperror.ServiceUnavailable)
	}
	return w.Close()
}
