package main

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/mux"
	"github.com/labstack/echo/v5"

	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/routing"
)

// Building URLs: of the peers, only gorilla/mux and echo build a URL by the name
// of its route and without a request.

// named returns n routes. Of the two routes in the middle, one has a number, and one
// has three values.
func named(n int) []route {
	texts := slices.Insert(table(n-2), n/2, "GET /user/{int:id}", "GET /repos/{owner}/{repo}/issues/{int:number}")
	return newRoutes(texts)
}

func building() (list []measure.Subject) {
	for _, n := range []int{203, 10000} {
		routes := named(n)
		one, three := fmt.Sprintf("build, one value, %d rules", n), fmt.Sprintf("build, three values, %d rules", n)
		add := func(name, peer string, build func(i int) string) {
			list = append(list, measure.Subject{Case: name, Peer: peer, Run: func(n int) {
				for i := range n {
					sink += len(build(100000 + i&0xffff))
				}
			}})
		}
		owner, repo := string([]byte("gordon")), string([]byte("toolkit"))

		urls := routing.MustMap(zeugRules(routes, func(route) int { return 0 }))
		request := &http.Request{Method: "GET", URL: &url.URL{Path: "/"}, Host: "example.com"}
		add(one, "zeug", func(i int) string {
			text, _ := urls.Bind(request).Build("GET/user/{id}", routing.With("id", i))
			return text
		})
		add(three, "zeug", func(i int) string {
			text, _ := urls.Bind(request).Build("GET/repos/{owner}/{repo}/issues/{number}",
				routing.With("owner", owner), routing.With("repo", repo), routing.With("number", i))
			return text
		})

		router := mux.NewRouter()
		for _, r := range routes {
			router.Path(r.regexps).Name(r.path)
		}
		add(one, "gorilla/mux", func(i int) string {
			u, _ := router.Get("/user/{id}").URL("id", strconv.Itoa(i))
			return u.String()
		})
		add(three, "gorilla/mux", func(i int) string {
			u, _ := router.Get("/repos/{owner}/{repo}/issues/{number}").URL("owner", owner, "repo", repo, "number", strconv.Itoa(i))
			return u.String()
		})

		e := echo.New()
		for _, r := range routes {
			if _, err := e.AddRoute(echo.Route{Method: "GET", Path: r.colons, Name: r.path, Handler: func(*echo.Context) error { return nil }}); err != nil {
				panic(err)
			}
		}
		all := e.Router().Routes()
		add(one, "echo", func(i int) string {
			text, _ := all.Reverse("/user/{id}", i)
			return text
		})
		add(three, "echo", func(i int) string {
			text, _ := all.Reverse("/repos/{owner}/{repo}/issues/{number}", owner, repo, i)
			return text
		})

		add(one, "by hand", func(i int) string { return "/user/" + strconv.Itoa(i) })
		add(three, "by hand", func(i int) string {
			return "/repos/" + url.PathEscape(owner) + "/" + url.PathEscape(repo) + "/issues/" + strconv.Itoa(i)
		})
	}
	return list
}

// construction reports how long each router takes to be made of 10,000 routes,
// and how much memory it keeps.
func construction() {
	routes := newRoutes(table(10000))
	fmt.Println("\n| 10,000 rules | time | memory |\n|---|---|---|")
	for _, p := range peers {
		newRouter := func() any { return p.make(routes) }
		if p.make == nil {
			newRouter = func() any { return newFiber(routes) }
		}
		if p.name == "zeug, http.Handler" {
			continue
		}
		var best time.Duration
		var kept uint64
		for range 3 {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := measure.ProcessorTime()
			router := newRouter()
			took := measure.ProcessorTime() - start
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(router)
			if best == 0 || took < best {
				best = took
			}
			kept = after.HeapAlloc - before.HeapAlloc
		}
		fmt.Printf("| %s | %.1f ms | %.1f MB |\n", p.name, float64(best)/1e6, float64(kept)/1e6)
	}
}
