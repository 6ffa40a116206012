// Package serving runs an application: it listens, limits what a client may
// take, logs, and stops without losing a request.
//
// [Run] is all that a main function needs:
//
//	func main() {
//		serving.Main("127.0.0.1:5000", app, serving.Options{Debug: true, Reload: true})
//	}
//
// The same program serves behind a web server that speaks FastCGI, SCGI or
// uwsgi, where its address says so, and by CGI or at an inherited socket where
// that is how it was started: [Run] says more.
//
// It is Werkzeug's run_simple with a server behind it that is meant for
// production as well: the limits are on by default, SIGTERM drains.
package serving
