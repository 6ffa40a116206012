package reload

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// change is a file that changed, and the effect of that.
type change struct {
	name   string
	effect effect
}

// watcher reports changes of the files in a scope. It uses the system's events or, if there are
// none, checks every file again and again.
type watcher struct {
	changes chan change
	logger  *slog.Logger
	poll    time.Duration

	mu    sync.Mutex
	scope *scope
	fs    *fsnotify.Watcher   // nil if it polls
	seen  map[string]fileMark // when it polls
	known map[string]bool     // folders given to fs
	done  chan struct{}
}

type fileMark struct {
	changed time.Time
	size    int64
}

// pollByDefault is how often files are checked if the system reports nothing.
const pollByDefault = 500 * time.Millisecond

// newWatcher watches sc. A poll above zero checks the files at that interval, even if the system
// reports changes.
func newWatcher(sc *scope, poll time.Duration, logger *slog.Logger) *watcher {
	w := &watcher{changes: make(chan change, 64), logger: logger, poll: poll, scope: &scope{}, done: make(chan struct{})}
	if poll <= 0 && !silentFileSystem(sc) {
		notifier, err := fsnotify.NewWatcher()
		if err == nil {
			w.fs, w.known = notifier, map[string]bool{}
			go w.listen(notifier)
		} else {
			logger.Warn("the system tells no changes of files; looking at them every half second", "err", err)
		}
	}
	if w.fs == nil {
		w.startPolling()
	}
	w.set(sc)
	return w
}

// set watches sc from now on.
func (w *watcher) set(sc *scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	previous := w.scope
	w.scope = sc
	if w.fs == nil {
		w.see(sc, previous)
		return
	}
	for dir := range sc.dirs {
		if w.known[dir] {
			continue
		}
		err := w.fs.Add(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			w.logger.Warn("the system tells no changes of this folder; looking at the files every half second", "folder", dir, "err", err)
			w.fs.Close()
			w.fs = nil
			w.startPolling()
			w.see(sc, &scope{})
			return
		}
		w.known[dir] = true
	}
	for dir := range w.known {
		if !sc.dirs[dir] {
			w.fs.Remove(dir)
			delete(w.known, dir)
		}
	}
}

// see records the present state of everything in scope. It leaves out the files of the previous scope
// that have appeared or changed since the last look, so that the next look finds them.
func (w *watcher) see(sc, previous *scope) {
	now := scan(sc)
	previous.grow()
	for name := range scan(previous) {
		if _, known := w.seen[name]; !known {
			delete(now, name)
		}
	}
	for name, mark := range w.seen {
		if sc.dirs[filepath.Dir(name)] {
			now[name] = mark
		}
	}
	w.seen = now
}

// changedSince returns a file of the scope that is newer than t: a change that
// came before the file was watched.
func (w *watcher) changedSince(t time.Time) (change, bool) {
	w.mu.Lock()
	sc := w.scope
	found := scan(sc)
	w.mu.Unlock()
	now := time.Now()
	for name, mark := range found {
		// A file with a date in the future would always be newer.
		if mark.changed.After(t) && !mark.changed.After(now) && !isSum(name) {
			if e := sc.effect(name); e > restyle {
				return change{name, e}, true
			}
		}
	}
	return change{}, false
}

// isSum reports whether the go command writes a file by itself: it adds the sums of modules that
// it needs. After a failed build a change of such a file is not ignored. The other settings
// of modules are in go.mod and go.work.
func isSum(name string) bool {
	base := filepath.Base(name)
	return base == "go.sum" || base == "go.work.sum"
}

func (w *watcher) listen(notifier *fsnotify.Watcher) {
	for {
		select {
		case event, ok := <-notifier.Events:
			if !ok {
				return
			}
			w.told(event)
		case err, ok := <-notifier.Errors:
			if !ok {
				return
			}
			// The queue of events overflowed: something changed.
			w.logger.Warn("changes of files were lost", "err", err)
			w.report(change{"(many files)", recompile})
		}
	}
}

func (w *watcher) told(event fsnotify.Event) {
	// Of all attributes only the time counts, which "touch" sets.
	if event.Op == fsnotify.Chmod {
		if info, err := os.Stat(event.Name); err != nil || time.Since(info.ModTime()) > 2*time.Second {
			return
		}
	}
	w.mu.Lock()
	sc := w.scope
	info, err := os.Stat(event.Name)
	newDir := event.Has(fsnotify.Create) && err == nil && info.IsDir() && w.fs != nil
	if newDir {
		// A folder that is in scope because of a pattern, with its present content.
		for _, dir := range sc.inside(event.Name) {
			if w.fs.Add(dir) == nil {
				w.known[dir], sc.dirs[dir] = true, true
			}
		}
	}
	if (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) && w.known[event.Name] {
		delete(w.known, event.Name)
	}
	w.mu.Unlock()
	if newDir {
		for name := range scan(&scope{dirs: map[string]bool{event.Name: true}}) {
			w.report(change{name, sc.effect(name)})
		}
		return
	}
	w.report(change{event.Name, sc.effect(event.Name)})
}

// inside returns dir and the folders below it that are in scope.
func (sc *scope) inside(dir string) []string {
	wanted := sc.dirs[dir]
	for _, root := range slices.Concat(sc.assets, sc.declared, sc.extra) {
		wanted = wanted || within(root, dir)
	}
	for _, e := range sc.embedded {
		wanted = wanted || e.matches(dir) || within(constantDir(filepath.Join(e.dir, e.pattern)), dir)
	}
	for _, glob := range sc.globs {
		wanted = wanted || within(glob.dir, dir)
	}
	if !wanted {
		return nil
	}
	below := &scope{dirs: map[string]bool{}, exclude: sc.exclude}
	below.tree(dir)
	var dirs []string
	for name := range below.dirs {
		dirs = append(dirs, name)
	}
	return dirs
}

func (w *watcher) report(c change) {
	if c.effect == nothing {
		return
	}
	select {
	case w.changes <- c:
	case <-w.done:
	}
}

func (w *watcher) startPolling() {
	every := w.poll
	if every <= 0 {
		every = pollByDefault
	}
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.look()
			case <-w.done:
				return
			}
		}
	}()
}

// look compares every file with its recorded state.
func (w *watcher) look() {
	w.mu.Lock()
	sc, was := w.scope, w.seen
	sc.grow()
	now := scan(sc)
	w.seen = now
	w.mu.Unlock()
	for name, mark := range now {
		if was[name] != mark {
			w.report(change{name, sc.effect(name)})
		}
	}
	for name := range was {
		if _, ok := now[name]; !ok {
			w.report(change{name, sc.effect(name)})
		}
	}
}

// grow adds the folders that have appeared inside of those in scope.
func (sc *scope) grow() {
	for dir := range sc.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name := filepath.Join(dir, e.Name()); e.IsDir() && !sc.dirs[name] {
				for _, found := range sc.inside(name) {
					sc.dirs[found] = true
				}
			}
		}
	}
}

// scan returns the files in the folders of sc.
func scan(sc *scope) map[string]fileMark {
	marks := map[string]fileMark{}
	for dir := range sc.dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && !e.IsDir() {
				marks[filepath.Join(dir, e.Name())] = fileMark{info.ModTime(), info.Size()}
			}
		}
	}
	return marks
}

func (w *watcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.done)
	if w.fs != nil {
		w.fs.Close()
	}
}
