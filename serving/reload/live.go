package reload

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/serving/supervise"
)

// live tells pages in browsers, by a stream of events, that what they show has
// changed.
type live struct {
	mu      sync.Mutex
	number  int // of the last change
	pages   map[chan effect]struct{}
	ctx     context.Context
	endFunc context.CancelFunc
}

func (l *live) init() {
	if l.ctx == nil {
		l.ctx, l.endFunc = context.WithCancel(context.Background())
		l.pages = map[chan effect]struct{}{}
	}
}

// context ends when the streams are to.
func (l *live) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.init()
	return l.ctx
}

func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.init()
	l.endFunc()
}

func (l *live) send(e effect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.init()
	if e != restyle {
		l.number++
	}
	for page := range l.pages {
		select {
		case page <- e:
		default: // it has a reload coming already
		}
	}
}

// version is the number of the last change that a page just loaded shows.
func (l *live) version() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number
}

func (l *live) join() (page chan effect, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.init()
	page = make(chan effect, 2)
	l.pages[page] = struct{}{}
	return page, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.pages, page)
	}
}

//go:embed live.js
var script string

// serveReserved answers below supervise.Prefix.
func (s *Supervisor) serveReserved(w http.ResponseWriter, r *http.Request) {
	switch rest := strings.TrimPrefix(r.URL.Path, supervise.Prefix); rest {
	case "live.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		io.WriteString(w, script)
	case "live":
		s.serveEvents(w, r)
	default:
		for prefix, h := range s.config.Handle {
			if strings.HasPrefix(rest, prefix) {
				h.ServeHTTP(w, r)
				return
			}
		}
		http.NotFound(w, r)
	}
}

// serveEvents streams the changes after the version that the page names.
func (s *Supervisor) serveEvents(w http.ResponseWriter, r *http.Request) {
	page, leave := s.live.join()
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	send := func(event string) bool {
		_, err := fmt.Fprintf(w, "event: %s\ndata: %d\n\n", event, s.live.version())
		return err == nil && control.Flush() == nil
	}
	first := "hello"
	if since := r.URL.Query().Get("since"); since != "" && since != fmt.Sprint(s.live.version()) {
		first = "reload" // it was loaded before the last change
	}
	if !send(first) {
		return
	}
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	for {
		event := "beat"
		select {
		case e := <-page:
			event = "reload"
			if e == restyle {
				event = "restyle"
			}
		case <-beat.C:
		case <-r.Context().Done():
			return
		case <-s.live.context().Done():
			return
		}
		if !send(event) {
			return
		}
	}
}
