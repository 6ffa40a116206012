//go:build unix

package wsgi

import (
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// printer is a process that prints its stacks when it gets a signal, which takes some time.
type printer struct {
	takes time.Duration
	ends  bool // after that

	mu      sync.Mutex
	printed bool
	killed  time.Time
	whole   bool // the stacks were printed when it was killed
	done    chan struct{}
}

func (p *printer) pid() int               { return 1 }
func (p *printer) ended() <-chan struct{} { return p.done }
func (p *printer) why() string            { return "" }

func (p *printer) signal(os.Signal) {
	time.AfterFunc(p.takes, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.printed = true
		if p.ends {
			close(p.done)
		}
	})
}

func (p *printer) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed.IsZero() {
		p.killed, p.whole = time.Now(), p.printed
	}
}

// A worker that hangs has time to print its stacks, even if nothing else runs in it. Then it is killed.
func TestAWorkerThatHangsHasTimeToPrint(t *testing.T) {
	for name, drain := range map[string]time.Duration{"and to finish": time.Minute, "even if it has none to finish": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				process := &printer{takes: printTime - time.Millisecond, done: make(chan struct{})}
				p := &pool{config: &Config{DrainTimeout: drain, Logger: slog.New(slog.DiscardHandler)}, all: map[*worker]struct{}{}}
				w := &worker{pool: p, process: process, state: serving, ending: true, closed: true}
				p.workers = []*worker{w}
				began := time.Now()
				p.hangs(w)
				time.Sleep(2 * printTime)
				process.mu.Lock()
				defer process.mu.Unlock()
				require.True(t, process.whole, "killed after %v", process.killed.Sub(began))
				require.InDelta(t, printTime, process.killed.Sub(began), float64(100*time.Millisecond))
			})
		})
	}
}

// So has a process that does not import the application in time.
func TestAnImportThatHangsHasTimeToPrint(t *testing.T) {
	conn, theirs, err := socketPair()
	require.NoError(t, err)
	defer theirs.Close()
	control := newChannel(conn, conn)
	defer control.close()
	process := &printer{takes: 50 * time.Millisecond, ends: true, done: make(chan struct{})}
	require.ErrorIs(t, starting(&Config{StartTimeout: time.Nanosecond}, control, process), ErrStartTimeout)
	process.mu.Lock()
	defer process.mu.Unlock()
	require.True(t, process.whole)
}
