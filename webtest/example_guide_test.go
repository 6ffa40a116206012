package webtest_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

// The examples of docs/testing.md, which TestGuide compares.

// shop is the application under test.
var shop = zeug.New(
	zeug.Get("/", index),
	zeug.Route("/login", login, "GET", "POST"),
	zeug.Post("/photo", photo),
	zeug.Get("/where", where),
	zeug.Get("/old", func(*zeug.Request) (*zeug.Response, error) {
		moved := zeug.Redirect("https://www.example.com/where")
		moved.Status = http.StatusMovedPermanently
		return moved, nil
	}),
	zeug.Get("/ticks", ticks),
	zeug.Get("/report", report),
)

func index(req *zeug.Request) (*zeug.Response, error) {
	user := html.EscapeString(req.Cookies().GetOr("user", "stranger"))
	return zeug.HTML("<!doctype html><h1>Hello, " + user + `</h1><a href="` + req.URL("login") + `">log in</a>`), nil
}

func login(req *zeug.Request) (*zeug.Response, error) {
	if req.Method != http.MethodPost {
		return zeug.HTML(`<!doctype html><form method=post><input type=hidden name=next value="/"><input name=name></form>`), nil
	}
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	resp := zeug.Redirect(req.URL("index"))
	return resp, resp.SetCookieFor(req.Request, datastructures.Cookie{Name: "user", Value: form.Get("name"), MaxAge: time.Hour})
}

func photo(req *zeug.Request) (*zeug.Response, error) {
	files, err := req.Files()
	if err != nil {
		return nil, err
	}
	photo, err := files.Require("photo")
	if err != nil {
		return nil, err
	}
	return zeug.JSON(map[string]any{"name": photo.Name, "size": photo.Size, "type": photo.MediaType()})
}

func where(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text(req.Client().Addr().String() + " asked for " + req.FullURL()), nil
}

func ticks(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Events(req, func(events *wrappers.EventStream) error {
		for n := range 3 {
			if err := events.Send(wrappers.Event{Data: fmt.Sprint("tick ", n)}); err != nil {
				return err
			}
		}
		<-events.Context().Done()
		return events.Context().Err()
	}), nil
}

func report(*zeug.Request) (*zeug.Response, error) {
	return zeug.Stream("text/csv", func(w *wrappers.StreamWriter) error {
		_, _ = w.WriteString("id,name\n")
		return errors.New("the database has gone")
	}), nil
}

func Example_guideFirst() {
	client := webtest.New(nil, shop) // in a test: webtest.New(t, shop)
	page := client.Get("/").Expect(200)
	fmt.Println(page.HTML("h1").Text())
	fmt.Println(client.Get("/nowhere").Status)
	// Output:
	// Hello, stranger
	// 404
}

func Example_guideForms() {
	client := webtest.New(nil, shop)
	page := client.Get("/").Click("a")
	page = page.Submit("form", url.Values{"name": {"Ann"}}, webtest.Follow)
	fmt.Println(page.HTML("h1").Text(), "after", page.History[0].Status)
	// Output:
	// Hello, Ann after 303
}

func Example_guideCookies() {
	client := webtest.New(nil, shop)
	client.Post("/login", webtest.Form(url.Values{"name": {"Ann"}}))
	fmt.Println(client.Cookie("user").Value)
	client.Jar.Advance(2 * time.Hour)
	fmt.Println(client.Get("/").HTML("h1").Text())

	client.SetCookie(&http.Cookie{Name: "user", Value: "Bob"})
	fmt.Println(client.Get("/").HTML("h1").Text())
	fmt.Println(client.Get("/", webtest.NoCookies).HTML("h1").Text())
	// Output:
	// Ann
	// Hello, stranger
	// Hello, Bob
	// Hello, stranger
}

func Example_guideOtherSites() {
	client := webtest.New(nil, shop)
	attack := client.Post("/login", webtest.Form(url.Values{"name": {"Eve"}}), webtest.FromPage("https://evil.example/"))
	fmt.Println(attack.Status)
	// Output: 403
}

func Example_guideBodies() {
	client := webtest.New(nil, shop)
	var got struct {
		Name, Type string
		Size       int
	}
	client.Post("/photo", webtest.Field("album", "cats"), webtest.File("photo", "cat.png", strings.NewReader("pixels"))).Expect(200).JSON(&got)
	fmt.Println(got.Name, got.Type, got.Size)
	fmt.Println(client.Post("/photo", webtest.JSON(map[string]int{"n": 1})).Status)
	fmt.Println(client.Post("/photo", webtest.Body("text/csv", strings.NewReader("a,b"))).Status)
	// Output:
	// cat.png image/png 6
	// 400
	// 400
}

func Example_guideAddresses() {
	client := webtest.New(nil, shop, webtest.BaseURL("https://example.com/shop"), webtest.Hosts("*.example.com"))
	fmt.Println(client.Get("/where", webtest.RemoteAddr("192.0.2.7:1234")).Text())
	fmt.Println(client.Get("https://api.example.com/shop/where").Text())
	moved := client.Get("/old")
	fmt.Println(moved.Status, moved.Location())
	// Output:
	// 192.0.2.7 asked for https://example.com/shop/where
	// 127.0.0.1 asked for https://api.example.com/shop/where
	// 301 https://www.example.com/where
}

func Example_guideStreams() {
	client := webtest.New(nil, shop)
	ticks := client.Get("/ticks", webtest.Stream)
	line := make([]byte, len("data: tick 0\n"))
	_, err := io.ReadFull(ticks.Body, line)
	fmt.Print(string(line), err, "\n")
	ticks.Body.Close() // the client has gone

	report := client.Get("/report", webtest.MayAbort)
	fmt.Println(report.Err != nil)
	// Output:
	// data: tick 0
	// <nil>
	// true
}

func Example_guideLive() {
	server := httptest.NewServer(shop) // or one that runs elsewhere
	defer server.Close()
	client := webtest.Live(nil, server.URL)
	fmt.Println(client.Get("/").HTML("h1").Text())
	// Output: Hello, stranger
}
