package main

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v5"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/datastructures"
)

const (
	query   = "page=2&sort=name&tag=go&q=hello+world"
	cookies = "session=eyJhbGciOiJIUzI1NiJ9; theme=dark; csrftoken=0a539d42abc001cdc762809248d4beed"
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	upload  = `form-data; name="file"; filename="holiday photo.jpeg"`
	date    = "Sun, 06 Nov 1994 08:49:37 GMT"
)

// sink keeps the results of reading from being optimised away.
//
//lint:ignore U1000 it is never read
var sink string

func subjects() []measure.Subject {
	gin.SetMode(gin.ReleaseMode)
	r := httptest.NewRequest("GET", "/?"+query, nil)
	r.Header.Set("Cookie", cookies)
	r.Header.Set("Accept", browser)
	var list []measure.Subject
	add := func(name, peer string, do func()) {
		list = append(list, measure.Subject{Case: name, Peer: peer, Run: func(n int) {
			for range n {
				do()
			}
		}})
	}
	queries(r, add)
	cookiesOf(r, add)
	rest(r, add)
	return list
}

type adder = func(name, peer string, do func())

// ginContext returns a function that makes the context of a request that has
// not been read yet; gin takes its own from a pool.
func ginContext(r *http.Request) func() *gin.Context {
	c := new(gin.Context)
	return func() *gin.Context {
		*c = gin.Context{Request: r}
		return c
	}
}

func echoContext(r *http.Request) func() *echo.Context {
	e := echo.New()
	w := httptest.NewRecorder()
	c := e.NewContext(r, w)
	return func() *echo.Context {
		c.Reset(r, w)
		return c
	}
}

func queries(r *http.Request, add adder) {
	ginOf, echoOf := ginContext(r), echoContext(r)
	const all = "query of four, all read"
	add(all, "zeug", func() {
		v := datastructures.ParseQuery(r.URL.RawQuery)
		sink = v.Get("page") + v.Get("sort") + v.Get("tag") + v.Get("q")
	})
	add(all, "net/http", func() {
		v := r.URL.Query()
		sink = v.Get("page") + v.Get("sort") + v.Get("tag") + v.Get("q")
	})
	add(all, "gin", func() {
		c := ginOf()
		sink = c.Query("page") + c.Query("sort") + c.Query("tag") + c.Query("q")
	})
	add(all, "echo", func() {
		c := echoOf()
		sink = c.QueryParam("page") + c.QueryParam("sort") + c.QueryParam("tag") + c.QueryParam("q")
	})
	const one = "query of four, the third read"
	add(one, "zeug", func() { sink = datastructures.ParseQuery(r.URL.RawQuery).Get("tag") })
	add(one, "net/http", func() { sink = r.URL.Query().Get("tag") })
	add(one, "gin", func() { sink = ginOf().Query("tag") })
	add(one, "echo", func() { sink = echoOf().QueryParam("tag") })
	const write = "query of four written"
	ours := datastructures.ParseQuery(query)
	theirs, _ := url.ParseQuery(query)
	add(write, "zeug", func() { sink = ours.Encode() })
	add(write, "net/http", func() { sink = theirs.Encode() })
}

func cookiesOf(r *http.Request, add adder) {
	ginOf, echoOf := ginContext(r), echoContext(r)
	const all = "three cookies, all read"
	add(all, "zeug", func() {
		v := datastructures.ParseCookies(r.Header.Get("Cookie"))
		sink = v.Get("session") + v.Get("theme") + v.Get("csrftoken")
	})
	add(all, "net/http", func() {
		text := ""
		for _, c := range r.Cookies() {
			text += c.Value
		}
		sink = text
	})
	add(all, "gin", func() {
		c := ginOf()
		a, _ := c.Cookie("session")
		b, _ := c.Cookie("theme")
		d, _ := c.Cookie("csrftoken")
		sink = a + b + d
	})
	add(all, "echo", func() {
		c := echoOf()
		text := ""
		for _, cookie := range c.Cookies() {
			text += cookie.Value
		}
		sink = text
	})
	const one = "three cookies, the last read"
	add(one, "zeug", func() { sink = datastructures.ParseCookies(r.Header.Get("Cookie")).Get("csrftoken") })
	add(one, "net/http", func() {
		c, _ := r.Cookie("csrftoken")
		sink = c.Value
	})
	add(one, "gin", func() { sink, _ = ginOf().Cookie("csrftoken") })
	add(one, "echo", func() {
		c, _ := echoOf().Cookie("csrftoken")
		sink = c.Value
	})
	const write = "a cookie written"
	ours := datastructures.Cookie{Name: "session", Value: "eyJhbGciOiJIUzI1NiJ9", Path: "/", MaxAge: time.Hour, HTTPOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	theirs := http.Cookie{Name: "session", Value: "eyJhbGciOiJIUzI1NiJ9", Path: "/", MaxAge: 3600, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
	add(write, "zeug", func() { sink, _ = ours.Format() })
	add(write, "net/http", func() { sink = theirs.String() })
}

func rest(r *http.Request, add adder) {
	ginOf := ginContext(r)
	const accept = "Accept of a browser, two offers"
	add(accept, "zeug", func() {
		sink, _ = datastructures.ParseMIMEAccept(r.Header.Get("Accept")).Best("application/json", "text/html")
	})
	add(accept, "gin", func() { sink = ginOf().NegotiateFormat("application/json", "text/html") })
	const unseen = "Accept that was never sent before"
	number, other := 0, r.Clone(r.Context())
	renew := func() {
		number++
		other.Header["Accept"][0] = browser + ",x/" + strconv.Itoa(number)
	}
	add(unseen, "zeug", func() {
		renew()
		sink, _ = datastructures.ParseMIMEAccept(other.Header.Get("Accept")).Best("application/json", "text/html")
	})
	otherGin := ginContext(other)
	add(unseen, "gin", func() {
		renew()
		sink = otherGin().NegotiateFormat("application/json", "text/html")
	})
	const options = "Content-Disposition of an upload"
	add(options, "zeug", func() {
		o := datastructures.ParseOptions(upload)
		sink = o.Get("filename")
	})
	add(options, "net/http", func() {
		_, params, _ := mime.ParseMediaType(upload)
		sink = params["filename"]
	})
	const dates = "a date read"
	add(dates, "zeug", func() {
		t, _ := datastructures.ParseDate(date)
		sink = date[:t.Day()]
	})
	add(dates, "net/http", func() {
		t, _ := http.ParseTime(date)
		sink = date[:t.Day()]
	})
}
