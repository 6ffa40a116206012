package reload

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// live tells pages in browsers, over a stream of events, that their content has changed.
type live struct {
	mu       sync.Mutex
	contents int // changes of files that pages show
	styles   int // and changes of their style sheets alone
	pages    []*follower
	mistakes mistakes
	ctx      context.Context
	endFunc  context.CancelFunc
}

// follower is a page that reads the stream.
type follower struct {
	browser string // the page's browser, "" if connections are not scarce
	events  chan effect
	end     context.CancelFunc
}

// streams is how many pages of a browser may read the stream at once over HTTP/1.1, where browsers
// allow six connections to a server. Further pages take turns, and the remaining connections are
// for the application.
const streams = 3

// turn is how long a page waits after it gave its place to another one, or
// after its supervisor has gone.
const turn = time.Second

func (l *live) init() {
	if l.ctx == nil {
		l.ctx, l.endFunc = context.WithCancel(context.Background())
	}
}

// context ends when the streams must end.
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
	if e == restyle {
		l.styles++
	} else {
		l.contents++
	}
	for _, page := range l.pages {
		select {
		case page.events <- e:
		default: // a reload is already on its way to it
		}
	}
}

// version names the content of a page that is answered now. Different supervisors never use the
// same number.
func (l *live) version() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%s.%d.%d", thisRun, l.contents, l.styles)
}

var thisRun = strconv.FormatInt(time.Now().UnixMilli(), 36)

// missed returns the events that a page of that version has missed.
func missed(version, now string) effect {
	content := func(version string) string { return version[:strings.LastIndexByte(version, '.')+1] }
	switch {
	case version == "" || version == now:
		return nothing
	case content(version) == content(now):
		return restyle
	}
	return refresh
}

// join adds a page. If a browser has too many, the page replaces the first one. The context ends
// when the page's stream must end.
func (l *live) join(parent context.Context, browser string) (ctx context.Context, events <-chan effect, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.init()
	page := &follower{browser: browser, events: make(chan effect, 2)}
	ctx, page.end = context.WithCancel(parent)
	l.pages = append(l.pages, page)
	first, count := -1, 0
	for i, other := range l.pages {
		if browser != "" && other.browser == browser {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if count > streams {
		l.pages[first].end()
		l.pages = slices.Delete(l.pages, first, first+1)
	}
	return ctx, page.events, func() {
		page.end()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pages = slices.DeleteFunc(l.pages, func(other *follower) bool { return other == page })
	}
}

// browserOf distinguishes browsers, as well as possible.
func browserOf(r *http.Request) string {
	if r.ProtoMajor > 1 {
		return ""
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return host + " " + r.UserAgent()
}

//go:embed live.js
var script string

// serveReserved answers requests below supervise.Prefix.
func (s *Supervisor) serveReserved(w http.ResponseWriter, r *http.Request) {
	switch rest := strings.TrimPrefix(r.URL.Path, supervise.Prefix); rest {
	case "live.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		io.WriteString(w, script)
	case "live":
		s.serveEvents(w, r)
	default:
		if strings.HasPrefix(rest, supervise.DebuggerPath) {
			if s.config.Guard.Access(r) == debugger.Denied {
				http.Error(w, "only this machine may ask", http.StatusForbidden)
				return
			}
			s.config.Guard.PIN.Guard(http.HandlerFunc(s.pass)).ServeHTTP(w, r)
			return
		}
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
	ctx, events, leave := s.live.join(r.Context(), browserOf(r))
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	send := func(event string) bool {
		version := s.live.version()
		_, err := fmt.Fprintf(w, "event: %s\nid: %s\ndata: %s\n\n", event, version, version)
		return err == nil && control.Flush() == nil
	}
	// A browser that lost the stream names the last event that it received.
	since := r.Header.Get("Last-Event-ID")
	if since == "" {
		since = r.URL.Query().Get("since")
	}
	fmt.Fprintf(w, "retry: %d\n", turn.Milliseconds())
	if !send(eventOf(missed(since, s.live.version()))) {
		return
	}
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	found := s.live.found()
	if found.known && !(s.sendMistakes(w, r, found) && control.Flush() == nil) {
		return
	}
	for {
		event := "beat"
		select {
		case <-found.told:
			if found = s.live.found(); found.known && !(s.sendMistakes(w, r, found) && control.Flush() == nil) {
				return
			}
			continue
		case e := <-events:
			event = eventOf(e)
		case <-beat.C:
		case <-ctx.Done():
			return
		case <-s.live.context().Done():
			return
		}
		if !send(event) {
			return
		}
	}
}

func eventOf(e effect) string {
	switch e {
	case nothing:
		return "hello"
	case restyle:
		return "restyle"
	}
	return "reload"
}
