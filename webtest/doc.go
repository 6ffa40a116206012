// Package webtest is a browser for tests: a [Client] that sends requests to an
// [net/http.Handler], keeps its cookies, follows its redirects when asked, and
// returns answers that are easy to look at.
//
//	client := webtest.New(t, app)
//	page := client.PostForm("/login", url.Values{"name": {"ann"}}, webtest.Follow)
//	require.Equal(t, "Welcome, ann", page.HTML("h1").Text())
//
// No socket is opened. A request is written to net/http's own server over a connection in memory.
// So the application and the test get what they would get in production: chunked bodies, trailers,
// HEAD, hijacked connections, WebSockets, HTTP/2. A panic of the application panics in the test,
// and when a call returns, the handler has returned too.
//
// A request or an expectation that fails ends the test, and prints the whole exchange. It is also
// printed at the end of a test that failed for a reason of its own.
//
// [Live] makes the same Client for a server that runs somewhere else.
package webtest
