package serving

import (
	"context"
	"net/http"
	"time"
)

type serverKey struct{}

// Draining returns a channel that is closed when the server of this request's
// context is told to stop. A handler that answers without end, whatever its
// type, ends its answer then; nil, which never closes, is returned outside of a
// request. The context of a request for an event stream, or for a websocket,
// ends by itself.
func Draining(ctx context.Context) <-chan struct{} {
	if s, ok := ctx.Value(serverKey{}).(*Server); ok {
		return s.stopping
	}
	return nil
}

// farewell is how long idle connections stay open after the listeners are
// closed, to answer a request that is on its way with "Connection: close".
const farewell = 500 * time.Millisecond

// Shutdown stops the server: Ready answers 503; after Options.DrainDelay no
// connection is accepted any more, event streams end and websockets are sent a
// close frame of 1001; what else runs is finished. When ctx ends before, the
// rest is cut and the error is [ErrCut].
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	wait(ctx, nil, s.options.DrainDelay)
	s.endStreams()
	s.all.stop()
	for _, l := range s.listeners {
		l.drain()
	}
	s.accept.Wait()
	wait(ctx, s.all.ended(), farewell)

	cut := false
	for _, c := range s.options.Companions {
		if c.Shutdown(ctx) != nil {
			cut = true
		}
	}
	// Both at once: a web server goes on asking on the connections it has.
	uncut := s.gateways.shutdown(ctx)
	if err := s.http.Shutdown(ctx); err != nil {
		cut = true
	}
	if !<-uncut {
		cut = true
	}
	if !s.upgraded.wait(ctx) {
		cut = true
	}
	if cut {
		s.http.Close()
		s.upgraded.close()
		return ErrCut
	}
	return nil
}

// endStreams ends what would never end by itself.
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
	s.upgraded.close()
	s.gateways.close()
	return s.http.Close()
}

func (s *Server) isStopping() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

// wait returns after d, or as soon as done or ctx is.
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
// ends when the server stops, and tells clients of kept connections to leave.
func (s *Server) endable(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isStopping() {
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
			// Its context ends with the connection: the close frame and the
			// client's answer to it come first.
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
		app.ServeHTTP(w, r.WithContext(ctx))
	})
}

// wantsEvents reports what every EventSource says of itself.
func wantsEvents(r *http.Request) bool {
	accept := r.Header["Accept"]
	return len(accept) == 1 && accept[0] == "text/event-stream"
}
