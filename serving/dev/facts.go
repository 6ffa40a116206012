package dev

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/supervise"
)

// untold is how many requests may wait until the supervisor gets their reports. If there is no room
// for a report, it is left out: handlers do not wait for it.
const untold = 256

// maxParam is how many bytes of a parameter are reported.
const maxParam = 1 << 10

// tellFacts returns app with a report to the supervisor for each request: which rule matched, and
// what happened while it was served. For a request that is not in the supervisor's list, this costs
// one check.
func (s *server) tellFacts(app http.Handler) http.Handler {
	var start sync.Once
	ended := make(chan *recorder, untold)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := peer.Of(r)
		number := known.Exchange
		conn := s.Keeper()
		if number == 0 || conn == nil {
			app.ServeHTTP(w, r)
			return
		}
		start.Do(func() {
			recording.Enable()
			go func() {
				for rec := range ended {
					_ = conn.Send(supervise.TypeFacts, rec.told()) // the supervisor has gone, and this process must end
				}
			}()
		})
		followDefault()
		rec := newRecorder(r.Context(), number)
		routed, route := gateway.WithRoute(r.WithContext(rec))
		defer func() {
			rec.end(route)
			select {
			case ended <- rec:
			default:
			}
		}()
		serve := func(ctx context.Context) { requestcopy.Serve(app, w, routed.WithContext(ctx), r) }
		if known.Profile == "" || !profiling.TryLock() {
			requestcopy.Serve(app, w, routed, r)
			return
		}
		defer profiling.Unlock()
		p := beginProfile(number)
		defer func() {
			if measured := p.end(); route.Pattern == known.Profile {
				_ = conn.Send(supervise.TypeProfile, measured) // as above
			}
		}()
		runProfiled(routed.Context(), number, serve)
	})
}

// paramsOf lists the variables of the rule that matched, by name.
func paramsOf(route *gateway.Route) []supervise.Param {
	if route.Params == nil {
		return nil
	}
	var list []supervise.Param
	for name, value := range route.Params() {
		text := fmt.Sprint(value)
		list = append(list, supervise.Param{Name: name, Value: text[:min(len(text), maxParam)]})
	}
	slices.SortFunc(list, func(a, b supervise.Param) int { return strings.Compare(a.Name, b.Name) })
	return list
}
