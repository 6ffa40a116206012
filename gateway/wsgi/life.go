package wsgi

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Workers come and go: a worker that dies is replaced at once, a worker that
// has reached a limit leaves after its replacement is ready, and a reload
// replaces all workers.

// join puts a ready worker into service, unless a reload has made it obsolete.
func (p *pool) join(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.state == dead && !p.closed && w.generation >= p.generation:
		p.totals.Crashed++
		go p.respawn(w.generation)
		return
	case w.state != ready:
		return
	case p.closed || w.generation < p.generation:
		w.state = leaving
		w.closeRequests()
		return
	}
	w.state = serving
	p.workers = append(p.workers, w)
	p.failure = nil
	if life := p.config.MaxLifetime; life > 0 {
		life += time.Duration(rand.Int64N(int64(life)/10 + 1))
		w.lifetime = time.AfterFunc(life, func() { p.replace(w, "lifetime") })
	}
	if p.config.MaxMemory > 0 {
		p.watchMemory(w)
	}
	p.feed(time.Now())
}

// await waits for the end of a process.
func (p *pool) await(w *worker) {
	<-w.process.ended()
	p.mu.Lock()
	was := w.state
	w.state = dead
	p.remove(w)
	delete(p.all, w)
	w.closeRequests()
	for _, s := range w.slots {
		if s.open {
			// The end of the stream ends the wait for a response, unless a child of the
			// application holds the other end.
			s.conn.SetReadDeadline(time.Now().Add(afterEnd))
		}
	}
	w.control.close()
	for _, t := range []*time.Timer{w.lifetime, w.memory} {
		if t != nil {
			t.Stop()
		}
	}
	crashed, replaced := was == serving && !p.closed, w.ending
	if crashed {
		p.totals.Crashed++
	}
	p.mu.Unlock()
	p.exits.Done()
	if crashed {
		p.config.Logger.Error("wsgi: a worker has ended, another one is started", "pid", w.process.pid(), "why", w.process.why())
		if !replaced {
			p.respawn(w.generation)
		}
	}
}

// remove takes a worker out of service: other workers get its unread requests. Called with mu
// held.
func (p *pool) remove(w *worker) {
	if i := slices.Index(p.workers, w); i >= 0 {
		p.workers = slices.Delete(slices.Clone(p.workers), i, i+1)
	}
	if p.closed {
		return // there are none
	}
	now := time.Now()
	p.requeue(w.takeBack(), now)
	p.feed(now)
}

// The pause after a start that failed doubles up to a limit.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// respawn replaces a worker of a generation. It tries until a worker starts, and
// then returns true. If a reload has come in between, it returns false, because
// the reload has started its own workers.
func (p *pool) respawn(generation int) bool {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		w, err := p.spawn(generation)
		if err == nil {
			p.join(w)
			return true
		}
		if errors.Is(err, ErrClosed) {
			return false
		}
		p.mu.Lock()
		late := p.closed || generation < p.generation
		if !late {
			if p.failure = err; len(p.workers) == 0 {
				p.dismiss() // an error now is better than the same error later
			}
		}
		p.mu.Unlock()
		if late {
			return false
		}
		p.config.Logger.Error("wsgi: no worker starts", "err", err)
		time.Sleep(pause)
	}
}

// spawn starts one worker, by a fork if the settings say so. A parent that has died is replaced.
func (p *pool) spawn(generation int) (*worker, error) {
	if !p.config.Preload {
		return p.newWorker(nil, generation)
	}
	p.mu.Lock()
	from := p.parent
	p.mu.Unlock()
	if from != nil {
		select {
		case <-from.process.ended():
		default:
			return p.newWorker(from, generation)
		}
	}
	from, err := startParent(p.config)
	if err != nil {
		return nil, err
	}
	if !p.adopt(from) {
		from.leave()
		return nil, ErrClosed
	}
	return p.newWorker(from, generation)
}

// adopt makes a parent the process that forks workers from now on.
func (p *pool) adopt(from *parent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.parent != nil {
		p.parent.leave()
	}
	p.parent = from
	return true
}

// replace starts another worker, waits until it is ready, and then lets this one leave.
func (p *pool) replace(w *worker, why string) {
	p.mu.Lock()
	current := w.state == serving && slices.Contains(p.workers, w) && !w.ending
	w.ending = w.ending || current
	p.mu.Unlock()
	if !current || !p.respawn(w.generation) {
		return
	}
	p.mu.Lock()
	p.totals.Recycled++
	p.mu.Unlock()
	p.config.Logger.Info("wsgi: a worker has been replaced", "pid", w.process.pid(), "because of its", why)
	p.retire(w)
}

// retire takes a worker out of service; it finishes its requests.
func (p *pool) retire(w *worker) {
	p.mu.Lock()
	p.remove(w)
	if w.state == serving || w.state == ready {
		w.state = leaving
		w.closeRequests()
	}
	p.mu.Unlock()
	go w.killAfter(p.config.DrainTimeout)
}

// printTime is how long a process may take to print the stacks of its threads before it is killed. A busy
// machine may not let it run for most of that time.
const printTime = time.Second

// hangs takes a worker out of service if one of its threads does not answer:
// its stacks are printed, and it ends once nothing else runs in it.
func (p *pool) hangs(w *worker) {
	p.mu.Lock()
	first := w.state == serving
	replaced := w.ending
	if first {
		p.remove(w)
		w.state, w.ending = leaving, true
		w.closeRequests()
		p.totals.TimedOut++
	}
	p.mu.Unlock()
	if !first {
		return
	}
	w.process.signal(dumpSignal)
	if !replaced {
		go p.respawn(w.generation)
	}
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		printed := time.Now().Add(printTime)
		until := time.Now().Add(max(printTime, p.config.DrainTimeout))
		for now := range tick.C {
			p.mu.Lock()
			busy := w.load()
			p.mu.Unlock()
			if busy == 0 && now.After(printed) || now.After(until) {
				break
			}
		}
		w.process.kill()
	}()
}

// spawnAll starts as many workers as should run: all of them, or none.
func (p *pool) spawnAll(from *parent, generation int) ([]*worker, error) {
	type result struct {
		w   *worker
		err error
	}
	results := make(chan result)
	for range p.config.Workers {
		go func() {
			w, err := p.newWorker(from, generation)
			results <- result{w, err}
		}()
	}
	var fresh []*worker
	var failure error
	for range p.config.Workers {
		if r := <-results; r.err == nil {
			fresh = append(fresh, r.w)
		} else if failure == nil || errors.Is(failure, ErrClosed) {
			failure = r.err
		}
	}
	if failure != nil {
		for _, w := range fresh {
			p.retire(w)
		}
		return nil, failure
	}
	return fresh, nil
}

// reload replaces all workers; on an error the old ones stay.
func (p *pool) reload() error {
	p.reloading.Lock()
	defer p.reloading.Unlock()
	var from *parent
	if p.config.Preload {
		var err error
		if from, err = startParent(p.config); err != nil {
			return err
		}
	}
	p.mu.Lock()
	generation := p.generation + 1
	p.mu.Unlock()
	fresh, err := p.spawnAll(from, generation)
	if err != nil {
		if from != nil {
			from.leave()
		}
		return err
	}
	if from != nil && !p.adopt(from) {
		from.leave()
	}
	p.mu.Lock()
	old := p.workers
	p.workers = nil
	p.generation = generation
	p.totals.Reloads++
	p.mu.Unlock()
	for _, w := range fresh {
		p.join(w)
	}
	for _, w := range old {
		p.retire(w)
	}
	return nil
}

// resize starts or retires workers one by one. A reload starts Config.Workers workers; p.reloading
// guards the number.
func (p *pool) resize(n int) error {
	if n < 1 {
		return errors.New("wsgi: an application has at least one worker")
	}
	p.reloading.Lock()
	defer p.reloading.Unlock()
	for p.config.Workers < n {
		p.mu.Lock()
		generation := p.generation
		p.mu.Unlock()
		w, err := p.spawn(generation)
		if err != nil {
			return err
		}
		p.join(w)
		p.config.Workers++
	}
	for p.config.Workers > n {
		w := p.oldest()
		if w == nil {
			return errors.New("wsgi: each worker is being replaced at this moment")
		}
		p.retire(w)
		p.config.Workers--
	}
	return nil
}

// oldest returns the oldest worker that is not about to be replaced, or nil.
// None will.
func (p *pool) oldest() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	var oldest *worker
	for _, w := range p.workers {
		if !w.ending && (oldest == nil || w.number < oldest.number) {
			oldest = w
		}
	}
	if oldest != nil {
		oldest.ending = true
	}
	return oldest
}

// shutdown lets all workers finish their requests; when ctx ends, they are killed.
func (p *pool) shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.dismiss()
	var old []*worker
	for w := range p.all {
		old = append(old, w)
	}
	from := p.parent
	p.parent = nil
	p.mu.Unlock()
	for _, w := range old {
		p.retire(w)
	}
	ended := make(chan struct{})
	go func() {
		p.exits.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
		p.mu.Lock()
		for w := range p.all {
			w.process.kill()
		}
		p.mu.Unlock()
		<-ended
	}
	if from != nil {
		from.leave()
		<-from.process.ended()
	}
	return err
}
