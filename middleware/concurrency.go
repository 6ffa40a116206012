package middleware

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// ConcurrencyLimit limits how many handlers run at once. A bounded number of further requests wait
// in a queue. If the queue is full, or a request has waited too long, it gets 503 with Retry-After
// at once. A server that sheds load answers its other requests in time; a server that queues
// everything answers none in time.
//
// A handler inside a [Timeout] counts until it returns, even after the Timeout
// has sent a response instead.
type ConcurrencyLimit struct {
	// Requests is how many handlers run at once. 0 means 1000, a negative number
	// no limit.
	Requests int
	// Waiting is how many requests may wait. 0 means none, a negative number no
	// limit.
	Waiting int
	// Wait is how long a request waits at most. 0 means 1 s; a negative
	// duration means as long as its client waits.
	Wait time.Duration
	// RetryAfter is sent with a refusal, in whole seconds. 0 means 1 s; with a
	// negative duration none is sent.
	RetryAfter time.Duration
}

// turn is the right of a handler to run, in its request's context. It ends when all its holders
// have finished: the middleware, and each [Timeout] whose handler is still running.
type turn struct {
	context.Context
	outer   *turn // of an outer limit
	turns   chan struct{}
	holders atomic.Int32
	request http.Request // the request with this context
}

type turnKey struct{}

func (t *turn) Value(key any) any {
	if key == (turnKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// turnsWanted tells whether a handler may outlive its request in this process. Until then no
// request pays for that.
var turnsWanted atomic.Bool

// turnOf returns the turn in a context, nil if there is none.
func turnOf(ctx context.Context) *turn {
	t, _ := ctx.Value(turnKey{}).(*turn)
	return t
}

func (t *turn) hold() {
	for ; t != nil; t = t.outer {
		t.holders.Add(1)
	}
}

func (t *turn) done() {
	for ; t != nil; t = t.outer {
		t.leave()
	}
}

func (t *turn) leave() {
	if t.holders.Add(-1) == 0 {
		<-t.turns
	}
}

// Wrap returns next with the limit.
func (l ConcurrencyLimit) Wrap(next http.Handler) http.Handler {
	if l.Requests < 0 {
		return next
	}
	l.Requests = min(limits.Number(l.Requests, 1000), 1<<30)
	l.Waiting = limits.Number(l.Waiting, 0)
	l.Wait = limits.Duration(l.Wait, time.Second)
	if l.RetryAfter == 0 {
		l.RetryAfter = time.Second
	}
	turns := make(chan struct{}, l.Requests)
	waiting := new(atomic.Int64)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case turns <- struct{}{}:
		default:
			if err := l.queue(r, turns, waiting); err != nil {
				httperror.Respond(w, r, err)
				return
			}
		}
		if !turnsWanted.Load() {
			defer func() { <-turns }()
			next.ServeHTTP(w, r)
			return
		}
		t := &turn{Context: r.Context(), outer: turnOf(r.Context()), turns: turns}
		t.holders.Store(1)
		defer t.leave()
		t.request = *r.WithContext(t)
		requestcopy.Serve(next, w, &t.request, r)
	})
}

// queue waits for a turn. If there is no turn, it returns an error, which is the response.
func (l ConcurrencyLimit) queue(r *http.Request, turns chan struct{}, waiting *atomic.Int64) error {
	defer waiting.Add(-1)
	if waiting.Add(1) > int64(l.Waiting) {
		return l.refusal(fmt.Errorf("%d requests are served and %d wait", l.Requests, l.Waiting))
	}
	timer := time.NewTimer(l.Wait)
	defer timer.Stop()
	select {
	case turns <- struct{}{}:
		return nil
	case <-timer.C:
		return l.refusal(fmt.Errorf("waited %s for a turn", l.Wait))
	case <-r.Context().Done():
		return l.refusal(fmt.Errorf("waited for a turn: %w", r.Context().Err()))
	}
}

func (l ConcurrencyLimit) refusal(cause error) error {
	err := &httperror.Error{
		Code:        httperror.ServiceUnavailable,
		Description: "Too much is asked of this server just now. Please try again in a moment.",
		Err:         cause,
	}
	if l.RetryAfter > 0 {
		err.Header = http.Header{"Retry-After": {strconv.FormatInt(int64((l.RetryAfter-1)/time.Second+1), 10)}}
	}
	return err
}
