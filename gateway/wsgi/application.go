package wsgi

import (
	"context"
	"slices"
	"time"
)

// Application is a running Python application, as an http.Handler.
type Application struct {
	config *Config
	pool   *pool
}

// Start starts the workers, and returns when all of them are ready. Its error
// is an error of the Config or of the system, or a [*Traceback] of the import.
func Start(c Config) (*Application, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if c.setsFlaskDebug() {
		c.Logger.Info("wsgi: workers get " + flaskDebug + "1, as Config.Debug is set: Flask hides exceptions otherwise. Set the variable to have another value")
	}
	p := &pool{config: &c, all: map[*worker]struct{}{}}
	p.buffers.left.Store(c.BufferTotal)
	var err error
	if c.Preload {
		if p.parent, err = startParent(&c); err != nil {
			return nil, err
		}
	}
	fresh, err := p.spawnAll(p.parent, 0)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.shutdown(ctx)
		return nil, err
	}
	for _, w := range fresh {
		p.join(w)
	}
	return &Application{config: &c, pool: p}, nil
}

// Reload imports the application again: new workers take over when all of them are ready, and the
// old ones finish what they run. No request is lost. If the new ones do not start, the old ones
// stay; the error is one that [Start] returns.
func (a *Application) Reload() error { return a.pool.reload() }

// Resize changes the number of workers to n, which is 1 or more. It returns when new workers are
// ready. The workers that leave are the oldest ones; they finish their requests. After an error,
// Size returns the number that was reached.
func (a *Application) Resize(n int) error { return a.pool.resize(n) }

// Size returns the number of workers that should run: Config.Workers, or the number from Resize.
func (a *Application) Size() int {
	a.pool.reloading.Lock()
	defer a.pool.reloading.Unlock()
	return a.config.Workers
}

// Shutdown lets the workers finish their requests, and returns when they have ended. Requests that
// wait, or arrive later, are answered with 503. When ctx ends, workers are killed, and its error is
// returned.
func (a *Application) Shutdown(ctx context.Context) error { return a.pool.shutdown(ctx) }

// Close ends the workers at once.
func (a *Application) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.pool.shutdown(ctx); err != context.Canceled {
		return err
	}
	return nil
}

// Totals count what has happened since the start.
type Totals struct {
	Requests int // answered
	Started  int // workers
	Crashed  int // workers that ended by themselves
	TimedOut int // workers that did not answer
	Recycled int // workers that had reached one of their limits
	Reloads  int
}

// Stats is how an application is doing.
type Stats struct {
	Totals
	Waiting int // requests in the queue
	Workers []WorkerStats
}

// WorkerStats is how a worker is doing.
type WorkerStats struct {
	Number   int
	PID      int
	Busy     int // requests it runs
	Requests int // it has answered
	Leaving  bool
	Since    time.Time
	Memory   int64 // bytes of its resident set; 0 if the system does not say
}

// Stats returns how the application is doing, with the workers in the order in
// which they were started.
func (a *Application) Stats() Stats { return a.pool.stats() }

func (p *pool) stats() Stats {
	p.mu.Lock()
	s := Stats{Totals: p.totals, Waiting: p.queued()}
	for w := range p.all {
		if w.state == serving || w.state == leaving {
			s.Workers = append(s.Workers, WorkerStats{
				Number: w.number, PID: w.process.pid(), Busy: w.load() - w.waiting(), Requests: w.served,
				Leaving: w.state == leaving, Since: w.begun,
			})
		}
	}
	p.mu.Unlock()
	slices.SortFunc(s.Workers, func(a, b WorkerStats) int { return a.Number - b.Number })
	for i := range s.Workers {
		s.Workers[i].Memory = memoryOf(s.Workers[i].PID)
	}
	return s
}
