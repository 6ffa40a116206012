package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v5"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/wrappers"
)

// answers are JSON, and a page in memory with an entity tag: whole, unchanged
// (304) and in ranges. net/http's ServeContent sends the page too. All run
// through a whole server.
func answers() []measure.Subject {
	var list []measure.Subject
	add := func(name, fields, peer string, handler http.Handler) {
		request := "GET / HTTP/1.1\r\nHost: example.org\r\n" + fields + "\r\n"
		list = append(list, measure.Subject{Case: name, Peer: peer, Run: func(n int) { serve(handler, request, n) }})
	}

	type item struct {
		ID    int      `json:"id"`
		Name  string   `json:"name"`
		Tags  []string `json:"tags"`
		Price float64  `json:"price"`
	}
	v := item{7, "gear", []string{"metal", "round"}, 4.5}
	g := gin.New()
	g.GET("/", func(c *gin.Context) { c.JSON(http.StatusOK, v) })
	e := echo.New()
	e.GET("/", func(c *echo.Context) error { return c.JSON(http.StatusOK, v) })
	add("JSON", "", zeug, wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return wrappers.JSON(v) }))
	add("JSON", "", std, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}))
	add("JSON", "", "gin", g)
	add("JSON", "", "echo", e)

	text := strings.Repeat("All work and no play. ", 1000)
	tag := []string{`"v1"`}
	for _, c := range []struct{ name, fields string }{
		{"22 KB with a tag", ""},
		{"the same, not modified", "If-None-Match: \"v1\"\r\n"},
		{"the same, one range", "Range: bytes=1000-1999\r\n"},
		{"the same, two ranges", "Range: bytes=1000-1999,3000-3999\r\n"},
	} {
		add(c.name, c.fields, zeug, wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
			resp := wrappers.Text(text).MakeConditional()
			resp.Header()["Etag"] = tag
			return resp, nil
		}))
		add(c.name, c.fields, std, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header()["Etag"] = tag
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
		}))
	}
	return list
}
