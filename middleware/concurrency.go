package middleware

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// ConcurrencyLimit bounds how many requests are served at once. Some more wait
// for their turn; who would have to wait behind them, or too long, is answered
// at once by 503 with Retry-After: a server that sheds load answers the others
// in time, one that queues all of it answers nobody.
type ConcurrencyLimit struct {
	// Requests is how many are served at once. 0 means 1000.
	Requests int
	// Waiting is how many may wait for their turn. 0 means none.
	Waiting int
	// Wait is how long one waits at most. 0 means 1 s.
	Wait time.Duration
	// RetryAfter is what a refused client is told, in whole seconds. 0 means
	// 1 s.
	RetryAfter time.Duration
}

// Wrap returns next behind the limit. It panics if a setting is negative.
func (l ConcurrencyLimit) Wrap(next http.Handler) http.Handler {
	if l.Requests < 0 || l.Waiting < 0 || l.Wait < 0 || l.RetryAfter < 0 {
		panic("middleware.ConcurrencyLimit: a setting is negative")
	}
	if l.Requests == 0 {
		l.Requests = 1000
	}
	if l.Wait == 0 {
		l.Wait = time.Second
	}
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
		defer func() { <-turns }()
		next.ServeHTTP(w, r)
	})
}

// queue waits for a turn, and returns an error that answers where there is none.
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
	seconds := int((l.RetryAfter + time.Second - 1) / time.Second)
	return &httperror.Error{
		Code:        httperror.ServiceUnavailable,
		Description: "Too much is asked of this server just now. Please try again in a moment.",
		Header:      http.Header{"Retry-After": {strconv.Itoa(seconds)}},
		Err:         cause,
	}
}
