package httperror_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/zeugkit/zeug/httperror"
)

func Example() {
	find := func(id string) error { return fmt.Errorf("page %q: %w", id, httperror.NotFound) }
	err := find("x")
	fmt.Println(err)
	fmt.Println(errors.Is(err, httperror.NotFound), httperror.CodeOf(err))
	// Output:
	// page "x": 404 Not Found
	// true 404 Not Found
}

// An application answers 404 and 405 with pages of its own, in one place.
func ExampleResponder() {
	pages := httperror.Responder(func(w http.ResponseWriter, r *http.Request, err error) {
		e, ok := httperror.From(err)
		if !ok || e.Code >= 500 {
			httperror.Respond(w, r, err) // not ours: pass it to the outer responder, or the default
			return
		}
		e.WriteHeader(w, "text/plain; charset=utf-8")
		fmt.Fprintf(w, "Sorry: %s", e.Description)
	})
	app := pages.Wrap(httperror.NotAllowed("GET", "HEAD"))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	fmt.Println(w.Code, w.Header().Get("Allow"))
	fmt.Println(w.Body)
	// Output:
	// 405 GET, HEAD
	// Sorry: This address does not take requests of this method.
}

func ExampleError() {
	err := &httperror.Error{
		Code:        httperror.BadGateway,
		Description: "The bank does not answer. Your money has not been touched.",
		Err:         errors.New("dial tcp 10.0.0.7:443: connection refused"), // for the log alone
	}
	fmt.Println(err)
	// Output: 502 Bad Gateway: dial tcp 10.0.0.7:443: connection refused
}
