package step0

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

func ask(h http.Handler, target string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	fmt.Println(w.Body)
}

func Example() {
	ask(http.HandlerFunc(plain), "/")
	ask(http.HandlerFunc(withResponse), "/")
	ask(Application, "/")
	ask(Application, "/?name=Gopher")
	// Output:
	// Hello World!
	// Hello World!
	// Hello World!
	// Hello Gopher!
}
