// Package webtest is a browser for tests: a [Client] that sends requests to an
// [net/http.Handler], keeps its cookies, follows its redirects when asked, and
// returns responses that are easy to inspect.
//
//	client := webtest.New(t, app)
//	page := client.Post("/login", webtest.Form(url.Values{"name": {"ann"}}), webtest.Follow)
//	require.Equal(t, "Welcome, ann", page.HTML("h1").Text())
//
// No socket is opened. Each request is written to net/http's own server over a connection in
// memory. So the application and the test see the same as in production: chunked bodies, trailers,
// HEAD, hijacked connections, WebSockets, HTTP/2. A panic of the application panics in the test,
// and when a call returns, the handler has returned too.
//
// A request or an expectation that fails ends the test, and prints the whole exchange. It is also
// printed at the end of a test that failed for another reason.
//
// [Live] makes such a Client for a server that runs somewhere else.
package webtest
