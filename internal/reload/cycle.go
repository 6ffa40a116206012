package reload

import (
	"context"
	"sync"
	"time"
)

// state is what a supervisor is doing with the program's source.
//
//	            changed    settled  ended     kept dead  died
//	idle        settling   -        -         -          trying
//	settling    settling   trying   -         -          settling
//	trying      overtaken  -        idle      trying     trying
//	overtaken   overtaken  trying   settling  settling   overtaken
//
// A file is saved: the supervisor waits until no file has changed for a moment, tries the new
// source, and is idle again. If a file is saved during the attempt, a new attempt replaces it.
type state int

const (
	idle      state = iota // the newest source has been tried
	settling               // it changes
	trying                 // it is being built and started
	overtaken              // it changes while an older version is being built and started
)

// event moves a supervisor from one state to another.
type event int

const (
	changed  event = iota // a file of the source has changed
	settled               // no file has changed for a moment
	ended                 // the attempt has ended: its process serves, or has failed
	keptDead              // the attempt has ended and kept the previous process, which has died meanwhile
	died                  // the serving process has died and must be started again
)

// step is the action for an event in a state.
type step struct {
	do   func(*cycle)
	next state
}

// steps holds the table. An event without an entry is ignored.
var steps = map[state]map[event]step{
	idle: {
		changed: {(*cycle).hold, settling},
		died:    {(*cycle).revive, trying},
	},
	settling: {
		changed: {(*cycle).hold, settling},
		settled: {(*cycle).tryChange, trying},
		died:    {nil, settling}, // the change starts another process anyway
	},
	trying: {
		changed:  {(*cycle).hold, overtaken},
		ended:    {(*cycle).finish, idle},
		keptDead: {(*cycle).finishAndRevive, trying},
		died:     {nil, trying}, // the attempt starts another process, or ends with keptDead
	},
	overtaken: {
		changed:  {(*cycle).hold, overtaken},
		settled:  {(*cycle).tryInstead, trying},
		ended:    {(*cycle).finish, settling},
		keptDead: {(*cycle).finish, settling},
		died:     {nil, overtaken},
	},
}

// step performs the action for the event e.
func (c *cycle) step(e event) {
	next, ok := steps[c.state][e]
	if !ok {
		return
	}
	if next.do != nil {
		next.do(c)
	}
	c.state = next.next
}

// cycle is the main loop of a supervisor: changes cause attempts, and attempts cause swaps of
// processes. One goroutine runs it. Attempts and listings have goroutines of their own and send
// their results.
type cycle struct {
	s     *Supervisor
	ctx   context.Context
	state state
	work  sync.WaitGroup // attempts, listings and checks

	wanted  effect           // what the changes since the last attempt require
	settled <-chan time.Time // when to try that

	shown effect // what changes of files that are read while the program runs require
	still <-chan time.Time

	number   int // of attempts
	attempts chan attempt
	cancel   context.CancelFunc // ends the attempt
	outcome  attempt            // of the last one
	deaths   chan *Process
	dead     *Process // a process that died and must be started again
	revived  bool     // the attempt starts the program that died

	listed     *sources
	listings   chan listing
	endListing context.CancelFunc
	unlisted   time.Time // when the last build began whose files are not listed yet

	unchecked bool // no check of the newest source has begun
	endCheck  context.CancelFunc
	checked   chan struct{} // closed when the last check has ended
}

func newCycle(ctx context.Context, s *Supervisor, listed *sources) *cycle {
	return &cycle{
		s: s, ctx: ctx, listed: listed,
		attempts: make(chan attempt), deaths: make(chan *Process), listings: make(chan listing),
		cancel: func() {}, endListing: func() {}, endCheck: func() {}, unchecked: true,
	}
}

// run runs until the context ends.
func (c *cycle) run() {
	defer c.work.Wait()
	defer func() { c.cancel() }()
	c.state = trying
	c.try(recompile, nil)
	for {
		select {
		case <-c.ctx.Done():
			return
		case found := <-c.s.watcher.changes:
			c.hear(found)
		case <-c.still:
			c.s.live.send(c.shown)
			c.shown, c.still = nothing, nil
			if c.unchecked && c.state == idle {
				c.check()
			}
		case <-c.settled:
			c.settled = nil
			c.step(settled)
		case c.outcome = <-c.attempts:
			if c.dead != nil && c.dead == c.outcome.process {
				c.step(keptDead)
			} else {
				c.step(ended)
			}
		case l := <-c.listings:
			c.take(l)
		case p := <-c.deaths:
			if c.s.serves(p) && !p.leaving.Load() && c.s.died(p) {
				c.dead = p
				c.step(died)
			}
		}
	}
}

// isTrying reports whether an attempt is running.
func (c *cycle) isTrying() bool { return c.state == trying || c.state == overtaken }

// isChanging reports whether files have changed that no attempt has seen.
func (c *cycle) isChanging() bool { return c.state == settling || c.state == overtaken }

// hear receives the changes that the watcher found.
func (c *cycle) hear(found change) {
	switch {
	case isSum(found.name) && (c.isTrying() || c.s.isHealthy()):
		// The go command wrote the file during the build.
	case found.effect <= restyle:
		c.outdate()
		if c.shown != refresh { // this also reloads the style sheets
			c.shown = found.effect
		}
		c.still = time.After(debounce)
	default:
		if !c.isChanging() {
			c.s.config.Logger.Info("detected change, reloading", "file", found.name)
		}
		c.outdate()
		c.wanted = max(c.wanted, found.effect)
		c.step(changed)
	}
}

// hold makes requests wait, and waits for the files.
func (c *cycle) hold() {
	c.s.hold()
	c.settled = time.After(debounce)
}

// tryChange tries the changed source.
func (c *cycle) tryChange() {
	how := c.wanted
	c.wanted, c.revived = nothing, false
	c.s.mu.Lock()
	current := c.s.current
	c.s.mu.Unlock()
	c.try(how, current)
}

// tryInstead ends the attempt, and tries the source as it is now.
func (c *cycle) tryInstead() {
	c.cancel()
	if a := <-c.attempts; a.process != nil && !c.s.serves(a.process) {
		a.process.kill() // it became ready just now
	}
	c.wanted = recompile // the running attempt may have started that process
	c.tryChange()
}

// revive starts a program that died again.
func (c *cycle) revive() {
	c.revived = true
	c.try(restart, c.dead)
	c.dead = nil
}

// finish updates the supervisor with the outcome of the attempt. If this attempt was replaced,
// another one follows.
func (c *cycle) finish() {
	c.conclude(c.state == overtaken)
	if !c.unlisted.IsZero() {
		c.list(c.unlisted)
	}
}

// finishAndRevive does the same, and restarts the process that the attempt kept. After that, the
// files of the program are listed.
func (c *cycle) finishAndRevive() {
	dead := c.dead
	c.conclude(true)
	c.dead = dead
	c.revive()
}

// conclude handles the outcome of the attempt. more says that another attempt follows.
func (c *cycle) conclude(more bool) {
	c.cancel()
	a := c.outcome
	if p := c.s.settle(a, more, c.revived); p != nil {
		go c.mourn(p)
	}
	if a.compiled {
		c.unlisted = a.began
	}
	c.s.watcher.set(c.s.scope(c.listed)) // the new process may ask to watch more files
	if !more && c.unchecked && a.isChecked() {
		c.check()
	}
	c.revived, c.dead = false, nil
}

// mourn waits for the end of the serving process.
func (c *cycle) mourn(p *Process) {
	<-p.gone
	select {
	case c.deaths <- p:
	case <-c.ctx.Done():
	}
}

// try begins an attempt.
func (c *cycle) try(how effect, current *Process) {
	slow := time.AfterFunc(patience, func() { c.s.config.Logger.Info("building", "package", c.s.config.Program.Package) })
	ctx, cancel := context.WithCancel(c.ctx)
	c.cancel = cancel
	c.endListing() // it would check files that are changing now
	c.number++
	number, listed := c.number, c.listed
	c.work.Go(func() {
		a := c.s.attempt(ctx, number, listed, how, current)
		slow.Stop()
		select {
		case c.attempts <- a:
		case <-c.ctx.Done():
		}
	})
}

// list asks the go command for the program's files, while the new process already serves.
func (c *cycle) list(since time.Time) {
	ctx, cancel := context.WithCancel(c.ctx)
	c.endListing = cancel
	c.work.Go(func() {
		defer cancel()
		sources, err := c.s.list(ctx)
		if err != nil {
			return
		}
		select {
		case c.listings <- listing{sources, since}:
		case <-ctx.Done():
		}
	})
}

// take watches the listed files.
func (c *cycle) take(l listing) {
	c.listed, c.unlisted = l.sources, time.Time{}
	c.s.watcher.set(c.s.scope(c.listed))
	if missed, ok := c.s.watcher.changedSince(l.since); ok && !c.isChanging() {
		// A file was not yet watched when it changed.
		c.outdate()
		c.wanted = missed.effect
		c.step(changed)
	}
}
