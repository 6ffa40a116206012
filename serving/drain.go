package serving

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/serverlog"
)

type serverKey struct{}

// serverContext is a context whose requests know their server and its logger.
type serverContext struct {
	context.Context
	server *Server
}

func (c serverContext) Value(key any) any {
	switch key {
	case serverKey{}:
		return c.server
	case serverlog.Key{}:
		return c.server.options.Logger
	}
	return c.Context.Value(key)
}

// Draining returns a channel that is closed when the server of this request's context is told to
// stop. A handler whose response never ends, whatever its type, must then end it. Outside a request
// it returns nil, which never closes. If the request opens an event stream or a websocket, its
// context ends by itself.
func Draining(ctx context.Context) <-chan struct{} {
	if s, ok := ctx.Value(serverKey{}).(*Server); ok {
		return s.stopping
	}
	return nil
}

// farewell is how long idle connections stay open after the listeners are
// closed, to answer a request that is on its way with "Connection: close".
const farewell = 500 * time.Millisecond

// Shutdown stops the server. First, Ready answers with 503. After Options.DrainDelay, no more
// connections are accepted, event streams end and websockets get a close frame with status 1001.
// All other requests are finished. If ctx ends before that, the remaining requests are cut, and the
// error is both [ErrCut] and the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	defer flushAccessLog()
	s.draining.Store(true)
	wait(ctx, nil, s.options.DrainDelay)
	s.endStreams()
	s.all.stop()
	for _, l := range s.listeners {
		l.drain()
	}
	accepted := doneOf(func() {
		s.starting.Lock() // a Serve that has begun
		defer s.starting.Unlock()
		s.accept.Wait()
	})
	if wait(ctx, accepted, 2*backlogTime); !isClosed(accepted) {
		// A listener of Options.WrapListener may wait for something else in Accept.
		for _, l := range s.listeners {
			l.Close()
		}
		wait(ctx, accepted, backlogTime)
	}
	wait(ctx, s.all.ended(), farewell)

	// These run at the same time, because a web server keeps sending requests on its open
	// connections.
	ends := []<-chan bool{
		resultOf(func() bool { return s.shutdownHTTP3(ctx) }),
		s.gateways.shutdown(ctx),
		resultOf(func() bool { return s.shutdownHTTP(ctx) }),
		resultOf(func() bool { return s.upgraded.wait(ctx) }),
	}
	// They end soon after ctx has ended, except net/http, which still waits for its listeners.
	late := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(farewell, func() { close(late) }) })
	cut := false
	for _, end := range ends {
		select {
		case uncut := <-end:
			cut = cut || !uncut
		case <-late:
			cut = true
		}
	}
	if !cut {
		return nil
	}
	s.cut()
	if ctx.Err() == nil {
		return ErrCut
	}
	return fmt.Errorf("%w (%w)", ErrCut, ctx.Err())
}

// shutdownHTTP ends the connections of HTTP/1 and HTTP/2, and reports whether every request was
// answered. An error of a listener, which is already closed, does not affect requests. If ctx has
// already ended, net/http checks its connections only once. A connection whose response was just
// sent is not idle yet then, so a second check follows.
func (s *Server) shutdownHTTP(ctx context.Context) bool {
	if err := s.http.Shutdown(ctx); err == nil || !isEnd(err) {
		return true
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell/2)
	defer cancel()
	return !isEnd(s.http.Shutdown(again))
}

// isEnd reports whether err says that a context has ended.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// doneOf runs f, and returns a channel that is closed when f has returned.
func doneOf(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

func resultOf(f func() bool) <-chan bool {
	result := make(chan bool, 1)
	go func() { result <- f() }()
	return result
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// endStreams ends requests that would never end by themselves.
func (s *Server) endStreams() {
	s.stop.Do(func() { close(s.stopping) })
	s.upgraded.goAway()
}

// Close cuts everything off at once.
func (s *Server) Close() error {
	s.draining.Store(true)
	s.stop.Do(func() { close(s.stopping) })
	s.all.stop()
	for _, l := range s.listeners {
		l.Close()
	}
	s.cut()
	return nil
}

// cut ends everything that is still running. The connections are closed first,
// because net/http waits for its listeners, which may never return.
func (s *Server) cut() {
	if s.options.HTTP3 != nil {
		s.options.HTTP3.Close()
	}
	s.upgraded.close()
	s.gateways.close()
	s.all.closeAll()
	go s.http.Close()
}

func (s *Server) isStopping() bool {
	return isClosed(s.stopping)
}

// wait returns after d, or as soon as done is closed or ctx ends.
func wait(ctx context.Context, done <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	case <-ctx.Done():
	}
}

// endable gives the requests that would never end by themselves a context that
// ends when the server stops. It also tells clients to close their open
// connections.
func (s *Server) endable(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isStopping() && r.ProtoMajor < 3 { // the server for HTTP/3 tells its clients itself
			w.Header().Set("Connection", "close")
		}
		socket := isWebsocket(r)
		if !socket && !wantsEvents(r) {
			app.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if socket {
			// Its context ends with the connection, so the close frame and the client's close frame
			// come first.
			w = &upgradable{ResponseWriter: w, all: &s.upgraded, closed: cancel}
		} else {
			go func() {
				select {
				case <-s.stopping:
					cancel()
				case <-ctx.Done():
				}
			}()
		}
		c := r.WithContext(ctx)
		defer requestcopy.RemoveFiles(c, r)
		app.ServeHTTP(w, c)
	})
}

// wantsEvents reports whether the request has the fields that every EventSource sends.
func wantsEvents(r *http.Request) bool {
	accept := r.Header["Accept"]
	return len(accept) == 1 && accept[0] == "text/event-stream"
}
