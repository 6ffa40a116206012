//go:build unix

package reload_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/reload"
)

// look is a call of Config.Check, which ends when the test provides its
// findings.
type look struct {
	ctx   context.Context
	flags []string
	finds chan []reload.Problem
}

func TestTheSourceIsCheckedAfterEachChange(t *testing.T) {
	t.Parallel()
	looks := make(chan look)
	var running atomic.Int32
	p := run(t, func(dir string, c *reload.Config) {
		save(t, filepath.Join(dir, "templates", "a.html"), "a")
		write(t, dir, `, Assets: []string{"templates"}`)
		c.Check = func(ctx context.Context, flags []string) ([]reload.Problem, error) {
			if running.Add(1) > 1 {
				t.Error("two checks at a time")
			}
			defer running.Add(-1)
			l := look{ctx, flags, make(chan []reload.Problem)}
			select {
			case looks <- l:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			select {
			case found := <-l.finds:
				return found, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})
	// finds answers the next look that is not canceled: a file that is written
	// in pieces changes more than once.
	finds := func(found ...reload.Problem) {
		for {
			l := <-looks
			require.Contains(t, l.flags, "-gcflags=command-line-arguments=-N -l")
			select {
			case l.finds <- found:
				return
			case <-l.ctx.Done():
			}
		}
	}
	_, page := p.browse("/document")
	events := p.events(page)
	finds(reload.Problem{File: filepath.Join(p.dir, "main.go"), Line: 3, Column: 4, Message: "it is misspelt"})
	p.hears(events, "mistakes")

	replace(t, filepath.Join(p.dir, "templates", "a.html"), "b!")
	second := <-looks
	p.edit(`answer = "one"`, `answer = "two`)
	<-second.ctx.Done()
	status, _ := p.browse("/document")
	require.Equal(t, 500, status)
	p.edit(`answer = "two`, `answer = "two"`)
	p.eventually("/", "two")
	third := <-looks // the source that did not compile was not checked
	replace(t, filepath.Join(p.dir, "templates", "a.html"), "c!")
	<-third.ctx.Done()
	_, page = p.browse("/document")
	events = p.events(page)
	finds()
	p.hears(events, "mistakes")
}
