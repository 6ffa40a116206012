package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestTodosAreKept(t *testing.T) {
	client := webtest.New(t, newApp())
	require.JSONEq(t, `[]`, client.Get("/todos/").Expect(200).Text())

	created := client.Post("/todos/", webtest.JSON(todo{Title: "write a test"})).Expect(201)
	require.Equal(t, "/todos/1", created.Header.Get("Location"))
	client.Post("/todos/", webtest.JSON(todo{Title: "run it"})).Expect(201)
	require.JSONEq(t, `{"id": 1, "title": "write a test", "done": false}`, client.Get("/todos/1").Expect(200).Text())

	client.Do(http.MethodPut, "/todos/1", webtest.JSON(todo{ID: 9, Title: "write a test", Done: true})).Expect(200)
	client.Do(http.MethodDelete, "/todos/2").Expect(204)
	require.JSONEq(t, `[{"id": 1, "title": "write a test", "done": true}]`, client.Get("/todos/").Expect(200).Text())
}

func TestMistakesOfClientsAreProblemsInJSON(t *testing.T) {
	client := webtest.New(t, newApp())
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"an empty title":     {"POST", "/todos/", `{"title": ""}`, 422, "title: must not be empty"},
		"a title of a type":  {"POST", "/todos/", `{"title": 1}`, 422, "title: must be a string, not a JSON number"},
		"not JSON":           {"POST", "/todos/", `{`, 400, "not JSON"},
		"an unknown todo":    {"PUT", "/todos/7", `{"title": "x"}`, 404, ""},
		"an id not a number": {"GET", "/todos/x", "", 404, ""},
		"an unknown method":  {"PATCH", "/todos/", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp := client.Do(c.method, c.path, webtest.Body("application/json", strings.NewReader(c.body))).Expect(c.status)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			require.Contains(t, resp.Text(), c.want)
		})
	}
}

func TestOnlyTheFrontendMayCallFromABrowser(t *testing.T) {
	client := webtest.New(t, newApp())
	for origin, status := range map[string]int{frontend: 201, "https://evil.example": 403, "": 201} {
		client.Post("/todos/", webtest.JSON(todo{Title: "x"}), webtest.Header("Origin", origin)).Expect(status)
	}
	preflight := client.Do(http.MethodOptions, "/todos/1", webtest.Header("Origin", frontend), webtest.Header("Access-Control-Request-Method", "PUT"))
	require.Equal(t, frontend, preflight.Header.Get("Access-Control-Allow-Origin"))
}
