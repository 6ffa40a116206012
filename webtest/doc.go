// Package webtest is a browser for tests: a [Client] that sends requests to an
// [net/http.Handler], keeps its cookies, follows its redirects when asked, and
// returns answers that are easy to look at.
//
//	client := webtest.New(t, app)
//	page := client.PostForm("/login", url.Values{"name": {"ann"}}, webtest.Follow)
//	require.Equal(t, "Welcome, ann", page.HTML("h1").Text())
//
// No socket is opened. A request is written to net/http's own server over a
// connection in memory, so what the application sees and what the test gets is
// what they would get in production: chunked bodies, trailers, HEAD, hijacked
// connections, websockets, HTTP/2. A panic of the application panics in the
// test, and when a call returns, the handler has returned too.
//
// What goes wrong on the way fails the test and prints the whole exchange. It
// is also printed at the end of a test that failed for a reason of its own.
//
// [Live] makes the same Client for a server that runs somewhere else.
package webtest
