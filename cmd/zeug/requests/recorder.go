package requests

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/reload"
	"github.com/zeugkit/zeug/internal/supervise"
)

// List keeps the last 200 exchanges. The zero value is empty and ready.
type List struct {
	// Guard protects everything that is shown, since it is data of the application.
	Guard func(http.Handler) http.Handler
	// Program answers requests that are sent again, as it answers all others.
	Program http.Handler
	// Tests is the folder with the tests of the program, for [Request.Test]: "" if it is not known.
	Tests func() string

	mu        sync.Mutex
	exchanges []*Exchange // the newest last
	number    int
	version   int           // grows with every change
	changed   chan struct{} // closed when there is something new
	wanted    *wanted       // nil if no request is to be profiled
	profiles  []*measured
}

// replayKey is for a context that names the exchange that is repeated.
type replayKey struct{}

// replay is a request that is sent again.
type replay struct {
	of   int
	made *Exchange
}

// Record takes a request that is about to be passed on. It returns the request to pass on in its
// place, and a function to call with the response before its body is read, or with nil if there is
// none.
func (l *List) Record(r *http.Request) (*http.Request, func(*http.Response)) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	e := &Exchange{Began: time.Now(), Request: Request{
		Method: r.Method, Scheme: scheme, Host: r.Host, Target: targetOf(r), Proto: r.Proto, Client: r.RemoteAddr,
		Fields: fieldsOf(r.Header), Body: Body{Whole: r.ContentLength == 0},
	}}
	if again, ok := r.Context().Value(replayKey{}).(*replay); ok {
		e.Again, again.made = again.of, e
	}
	l.add(e)
	known := peer.Of(r)
	known.Exchange = e.ID
	l.mu.Lock()
	known.Profile = l.wants(r.Method)
	l.mu.Unlock()
	passed := *r.WithContext(peer.With(r.Context(), known))
	if r.ContentLength != 0 && r.Body != nil {
		passed.Body = &tee{ReadCloser: r.Body, list: l, body: &e.Request.Body}
	}
	var once sync.Once
	return &passed, func(resp *http.Response) {
		once.Do(func() { l.answered(e, resp) })
	}
}

// targetOf is the target of the request line; only the path and the query for a request to a proxy.
func targetOf(r *http.Request) string {
	if r.URL.Host != "" || r.RequestURI == "" {
		return r.URL.RequestURI()
	}
	return r.RequestURI
}

func (l *List) add(e *Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	e.ID = l.number
	l.exchanges = append(l.exchanges, e)
	if more := len(l.exchanges) - kept; more > 0 {
		l.exchanges = append(make([]*Exchange, 0, kept+1), l.exchanges[more:]...)
	}
	l.tell()
}

// answered takes the beginning of the response, and goes on to take its body.
func (l *List) answered(e *Exchange, resp *http.Response) {
	if resp == nil {
		l.finish(e)
		return
	}
	l.mu.Lock()
	e.Response.Status = resp.StatusCode
	e.Response.Fields = fieldsOf(resp.Header)
	l.tell()
	l.mu.Unlock()
	if resp.Body == nil {
		l.finish(e)
		return
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// The bytes that follow are not a response. The end is when the connection is closed.
		if conn, ok := resp.Body.(io.ReadWriteCloser); ok {
			resp.Body = &upgraded{conn, func() { l.finish(e) }}
		} else {
			l.finish(e)
		}
		return
	}
	resp.Body = &tee{ReadCloser: resp.Body, list: l, body: &e.Response.Body, end: func() { l.finish(e) }}
}

func (l *List) finish(e *Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !e.Done {
		e.Done, e.Duration = true, time.Since(e.Began)
		l.tell()
	}
}

// tell wakes those who wait for something new. It is called under the lock.
func (l *List) tell() {
	l.version++
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Receive takes the program's report on an exchange. Pass it to reload.Config. A report on an
// exchange that is no longer kept is ignored.
func (l *List) Receive(_ *reload.Process, m supervise.Message) {
	if m.Type == supervise.TypeProfile {
		var p supervise.Profile
		if m.Into(&p) == nil {
			l.receiveProfile(p)
		}
		return
	}
	var facts supervise.Facts
	if m.Type != supervise.TypeFacts || m.Into(&facts) != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.exchanges {
		if e.ID == facts.Exchange {
			e.Facts = facts
			l.tell()
		}
	}
}

// All returns copies of the exchanges, the newest first.
func (l *List) All() []Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Exchange, 0, len(l.exchanges))
	for i := len(l.exchanges) - 1; i >= 0; i-- {
		list = append(list, *l.exchanges[i])
	}
	return list
}

// Find returns a copy of one exchange.
func (l *List) Find(id int) (Exchange, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.exchanges {
		if e.ID == id {
			return *e, true
		}
	}
	return Exchange{}, false
}

// wait returns when the version has changed, or the context ends. It returns the version.
func (l *List) wait(ctx context.Context, version int) int {
	l.mu.Lock()
	if l.version != version {
		defer l.mu.Unlock()
		return l.version
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	changed := l.changed
	l.mu.Unlock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}

// tee keeps the part of a body that is read.
type tee struct {
	io.ReadCloser
	list *List
	body *Body
	end  func() // nil, or called when there is nothing more to come
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.list.mu.Lock()
	_, _ = t.body.Write(p[:n]) // it takes everything
	t.body.Whole = t.body.Whole || err == io.EOF
	t.list.mu.Unlock()
	if err != nil && t.end != nil {
		t.end()
	}
	return n, err
}

// upgraded is the connection of a request that has changed the protocol.
type upgraded struct {
	io.ReadWriteCloser
	end func()
}

func (u *upgraded) Close() error {
	u.end()
	return u.ReadWriteCloser.Close()
}

func (t *tee) Close() error {
	if t.end != nil {
		t.end()
	}
	return t.ReadCloser.Close()
}
