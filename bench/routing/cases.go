package main

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/zeugkit/zeug/bench/measure"
)

// match is a case of matching: routes, and the requests that are sent in turn.
type match struct {
	name     string
	routes   []string
	requests []string
}

//go:embed github.txt
var githubText string

// github returns the API that routers are commonly compared by.
var github = sync.OnceValue(func() []string { return strings.Split(strings.TrimSpace(githubText), "\n") })

// filled replaces the variables of routes with values.
func filled(routes []string) []string {
	requests := make([]string, len(routes))
	for i, r := range routes {
		requests[i] = variables.ReplaceAllString(r, "${2}1")
	}
	return requests
}

// table is a table of n routes with a typed segment in the middle.
func table(n int) []string {
	routes := make([]string, n)
	for i := range routes {
		routes[i] = fmt.Sprintf("GET /section%d/{int:id}/page%d", i, i%7)
	}
	return routes
}

func tableCase(n int) match {
	var requests []string
	for i := range 64 {
		k := i * 7919 % n
		requests = append(requests, fmt.Sprintf("GET /section%d/%d/page%d", k, 1000+i, k%7))
	}
	return match{fmt.Sprintf("table of %d", n), table(n), requests}
}

func matches() []match {
	return []match{
		{"one static", []string{"GET /hello"}, []string{"GET /hello"}},
		{"one parameter", []string{"GET /user/{name}"}, []string{"GET /user/gordon"}},
		{"one typed int", []string{"GET /user/{int:id}"}, []string{"GET /user/12345"}},
		{"five parameters", []string{"GET /{a}/{b}/{c}/{d}/{e}"}, []string{"GET /test1/test2/test3/test4/test5"}},
		{"GitHub, static", github(), []string{"GET /user/repos"}},
		{"GitHub, parameters", github(), []string{"GET /repos/julien/router/stargazers"}},
		{"GitHub, all 203", github(), filled(github())},
		{"404", github(), []string{"GET /repos/julien/router/nothing"}},
		{"405", github(), []string{"PATCH /repos/julien/router/keys"}},
		tableCase(10), tableCase(1000), tableCase(10000),
	}
}

// nothing is a writer that drops the answer.
type nothing struct{ header http.Header }

func (w *nothing) Header() http.Header         { return w.header }
func (w *nothing) Write(b []byte) (int, error) { return len(b), nil }
func (w *nothing) WriteString(s string) (int, error) {
	return len(s), nil
}
func (w *nothing) WriteHeader(int) {}

// lazily puts off the work of making a router until the first run: some routers
// take seconds to register 10,000 routes.
func lazily(build func() func(n int)) func(n int) {
	made := sync.OnceValue(build)
	return func(n int) { made()(n) }
}

// subjects are the matching cases of all peers.
func subjects() []measure.Subject {
	var list []measure.Subject
	for _, m := range matches() {
		routes := sync.OnceValue(func() []route { return newRoutes(m.routes) })
		for _, p := range peers {
			list = append(list, measure.Subject{Case: m.name, Peer: p.name, Run: lazily(func() func(n int) {
				if p.make == nil {
					return fast(routes(), m.requests)
				}
				return p.run(routes(), m.requests)
			})})
		}
	}
	return list
}

// run returns a function that sends requests to the router in turn; the requests for all 203 routes
// count as one run.
func (p peer) run(routes []route, texts []string) func(n int) {
	requests := make([]*http.Request, len(texts))
	for i, text := range texts {
		method, path, _ := strings.Cut(text, " ")
		requests[i] = &http.Request{
			Method: method, URL: &url.URL{Path: path}, RequestURI: path, Host: "example.com",
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		}
	}
	serve := p.make(routes)
	w := &nothing{http.Header{}}
	return func(n int) {
		for i := range n {
			if len(requests) < len(github()) {
				serve(w, requests[i%len(requests)])
				continue
			}
			for _, r := range requests {
				serve(w, r)
			}
		}
	}
}

// fast runs the requests through fiber.
func fast(routes []route, requests []string) func(n int) {
	serve := newFiber(routes)
	contexts := make([]*fasthttp.RequestCtx, len(requests))
	for i, text := range requests {
		method, path, _ := strings.Cut(text, " ")
		contexts[i] = &fasthttp.RequestCtx{}
		contexts[i].Request.Header.SetMethod(method)
		contexts[i].Request.SetRequestURI(path)
	}
	return func(n int) {
		for i := range n {
			if len(requests) < len(github()) {
				serve(contexts[i%len(contexts)])
				continue
			}
			for _, c := range contexts {
				serve(c)
			}
		}
	}
}
