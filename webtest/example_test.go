package webtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zeugkit/zeug/webtest"
)

func Example() {
	app := http.NewServeMux()
	app.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "user", Value: r.PostFormValue("name"), MaxAge: 3600})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	app.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		user, err := r.Cookie("user")
		if err != nil {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "<!doctype html><h1>Hello, %s</h1>", user.Value)
	})

	client := webtest.New(nil, app) // in a test: webtest.New(t, app)
	page := client.Post("/login", webtest.Form(url.Values{"name": {"Ann"}}), webtest.Follow)
	fmt.Println(page.Status, page.HTML("h1").Text())

	client.Jar.Advance(time.Hour)
	fmt.Println(client.Get("/").Status)
	// Output:
	// 200 Hello, Ann
	// 401
}

func ExampleResponse_JSON() {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"from": %q}`, r.RemoteAddr)
	})
	var answer struct{ From string }
	webtest.New(nil, app).Get("/", webtest.RemoteAddr("192.0.2.7:1234")).Expect(200).JSON(&answer)
	fmt.Println(answer.From)
	// Output: 192.0.2.7:1234
}

func ExampleResponse_String() {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		http.Error(w, "no tea", http.StatusTeapot)
	})
	fmt.Print(webtest.New(nil, app).Post("/pot", webtest.Text("milk?")))
	// Output:
	// > POST http://example.com/pot
	// > Host: example.com
	// > Content-Type: text/plain; charset=utf-8
	// > User-Agent: zeug-webtest
	// >
	// > milk?
	// < HTTP/1.1 418 I'm a teapot
	// < Content-Length: 7
	// < Content-Type: text/plain; charset=utf-8
	// < X-Content-Type-Options: nosniff
	// <
	// < no tea
}
