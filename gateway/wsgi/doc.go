// Package wsgi mounts an unmodified Python WSGI application (PEP 3333) as an http.Handler: Flask,
// Django, Bottle, Pyramid, Falcon and all others, on Python 3.8 or later.
//
//	legacy, err := wsgi.Start(wsgi.Config{App: "flask_app:app", Dir: "legacy", Workers: 4, Threads: 2})
//	…
//	app := middleware.Dispatcher{Mounts: map[string]http.Handler{"/legacy": legacy}}.Wrap(newApp)
//
// # Processes
//
// The Go process is the web server and the manager. It starts worker processes that import the
// application. Each has one socket of requests, which all of its threads read. The queue is on this
// side, so that no request is lost when workers are replaced: a new one is ready before an old one
// is told to leave, and the old one finishes its requests. A request goes to the least busy worker,
// since two requests in one interpreter share its lock.
//
// While every thread has a request, some more wait in the workers' sockets, where the thread that is
// free first finds them without waiting for this process. This process can take back the requests
// that no thread has read: if the worker fails, if another worker is free, or if the client has
// gone. See ahead.go.
//
// If a worker dies, the requests that it ran are answered with 502, and another worker is started.
// If a worker is silent for Config.RequestTimeout, its Python stacks are written to the log, its
// request is answered with 504, and the worker ends when its other requests have ended. A request
// that waits longer than Config.QueueTimeout, or exceeds Config.MaxQueue, is answered with
// 503. Workers end with this process, however it ends.
//
// A client holds a worker for no longer than Python needs. The beginning of a body is read before
// a worker is taken, and large responses and files are passed as descriptors. The rest of a
// response that a slow client has not taken waits in this process, up to Config.BufferAnswer, and
// up to Config.BufferTotal for all clients together.
//
// # What the application sees
//
// SCRIPT_NAME, the scheme, the host and the client's address are those of the request's
// [gateway.Origin], so that URLs are right below a mount and behind a proxy fix. A chunked body
// that ends within Config.BufferRequest has a CONTENT_LENGTH; for longer ones wsgi.input_terminated
// is true. Header fields with an underscore, which could be mistaken for others, and the field
// Proxy are left out.
package wsgi
