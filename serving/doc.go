// Package serving runs an application: it listens, limits what a client may
// take, logs, and stops without losing a request.
//
// [Run] is all that a main function needs:
//
//	func main() {
//		serving.Main("127.0.0.1:5000", app)
//	}
//
// The debugger and the reloader are in package serving/dev. The command "zeug run" adds it to the
// program that it builds. A program that imports it has them by itself, with Options.Debug and
// Options.Reload; no other program links them.
//
// The same program serves behind a web server that speaks FastCGI, SCGI or uwsgi, if its address
// says so, and by CGI or at an inherited socket, if it was started that way: [Run] says more.
//
// It is Werkzeug's run_simple with a server behind it that is meant for
// production as well: the limits are on by default, SIGTERM drains.
package serving
