// Package serving runs an application: it listens, limits the resources of each
// client, logs, and stops without losing a request.
//
// [Run] is all that a main function needs:
//
//	func main() {
//		serving.Main("127.0.0.1:5000", app)
//	}
//
// The debugger and the reloader are in package serving/dev. The command "zeug run" adds it to the
// program that it builds. A program that imports it has them without "zeug run", with Options.Debug
// and Options.Reload; no other program links them.
//
// The same program serves behind a web server that speaks FastCGI, SCGI or uwsgi, if its address
// says so, and over CGI or an inherited socket, if it was started in that way: see [Run].
//
// It corresponds to Werkzeug's run_simple, with a server that is also meant for
// production: the limits are on by default, and SIGTERM drains.
package serving
