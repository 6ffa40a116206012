package postmortem

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/corefile"
)

// The folder holds everything that the limits need, so that they hold for several processes and after
// a restart:
//
//	shop-20261130T140501.123456Z-4711.core   a core
//	shop-20261130T150502.654321Z-4711.part   one that is being written, or whose process was killed
//	times                                    when cores were begun, a line each, in seconds since 1970
//
// A process locks the folder (flock) while it counts, removes and writes. It does not wait for the
// lock.

// newCore is a core that is being made.
type newCore struct {
	folder *Folder
	now    time.Time
	record corefile.Record

	err         error  // why there is none
	collections uint64 // of the garbage collector, at the panic

	root *os.Root
	dir  *os.File // the folder, whose lock it holds
	file *os.File // nil before the core has a file
	name string   // with which the file ends up
}

const (
	timesFile = "times"
	part      = ".part"
	// recordRoom is how many bytes the record of a core may take.
	recordRoom = 2 << 20
)

var coreName = regexp.MustCompile(`-\d{8}T\d{6}\.\d{6}Z-\d+\.core$`)

var (
	errHour   = errors.New("as many cores were begun in the last hour as Folder.PerHour allows")
	errLocked = errors.New("another process is writing a core into the folder")
)

// write writes the core, while the goroutine that panicked waits.
func (c *newCore) write() {
	c.collections, c.now = corefile.Collections(), time.Now()
	if c.err = errHour; !c.now.Before(c.folder.filled) {
		_, c.err = corefile.WriteTo(c.create)
	}
}

// create makes the file of a core of the given size, if the limits allow it.
func (c *newCore) create(size int64) (_ *os.File, err error) {
	if c.record.Program, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	if c.record.Build, err = own(); err != nil {
		return nil, err
	}
	c.record.Machine, _ = os.Hostname() // "" is unknown
	c.record.Time, c.record.PID = c.now, os.Getpid()
	if err := c.open(); err != nil {
		return nil, err
	}
	if err := c.count(); err != nil {
		return nil, err
	}
	if err := c.makeRoom(size + recordRoom); err != nil {
		return nil, err
	}
	c.name = nameOf(c.record.Program, c.now)
	c.file, err = c.root.OpenFile(c.name+part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	return c.file, err
}

// open opens and locks the folder.
func (c *newCore) open() (err error) {
	path := filepath.Clean(c.folder.Path) // a slash at its end would lead through a symbolic link
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if c.root, err = os.OpenRoot(path); err != nil {
		return err
	}
	if c.dir, err = c.root.Open("."); err != nil {
		return err
	}
	named, err := os.Lstat(path)
	if err != nil {
		return err
	}
	opened, err := c.dir.Stat()
	if err != nil {
		return err
	}
	const why = "a core has all secrets of the process"
	switch mode := opened.Mode().Perm(); {
	case !os.SameFile(named, opened):
		return fmt.Errorf("%s is a symbolic link: name the folder itself, since %s", path, why)
	case mode&0o077 != 0:
		return fmt.Errorf("%s has the mode %#o: give it 0700 by chmod, since %s", path, mode, why)
	case !isOwn(opened):
		return fmt.Errorf("%s belongs to another user: make a folder of the process's own user, since %s", path, why)
	}
	return lock(c.dir)
}

// count notes that a core is begun, unless there were too many in the last hour.
func (c *newCore) count() error {
	most := c.folder.perHour()
	text, err := c.root.ReadFile(timesFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var recent []int64
	for line := range strings.Lines(string(text)) {
		// A time in the future comes from a clock that was wrong.
		at, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if age := c.now.Sub(time.Unix(at, 0)); err == nil && age < time.Hour && age > -time.Minute {
			recent = append(recent, at)
		}
	}
	slices.Sort(recent)
	if len(recent) >= most {
		c.folder.filled = c.now.Add(time.Hour - c.now.Sub(time.Unix(recent[len(recent)-most], 0)))
		return errHour
	}
	var lines strings.Builder
	for _, at := range append(recent, c.now.Unix()) {
		fmt.Fprintln(&lines, at)
	}
	// A full disk must not destroy the times that are already in the file.
	if err := c.root.WriteFile(timesFile+part, []byte(lines.String()), 0o600); err != nil {
		return err
	}
	return c.root.Rename(timesFile+part, timesFile)
}

// makeRoom removes what killed processes have left, and the oldest cores until one of the given size
// fits in.
func (c *newCore) makeRoom(size int64) error {
	most := c.folder.maxBytes()
	if size > most {
		return fmt.Errorf("the core would take %d MiB, and Folder.MaxBytes allows %d MiB", size>>20, most>>20)
	}
	cores, total, err := c.list()
	if err != nil {
		return err
	}
	free, err := freeSpace(c.dir)
	if err != nil {
		return err
	}
	removed := 0
	for removed < len(cores) && total > most-size {
		total -= cores[removed].Size()
		free += cores[removed].Size()
		removed++
	}
	if free < 2*size {
		return fmt.Errorf("the disk has no room: %d MiB are free, and a core wants twice its %d MiB", free>>20, size>>20)
	}
	for _, old := range cores[:removed] {
		if err := c.root.Remove(old.Name()); err != nil {
			return err
		}
	}
	return nil
}

// list returns the cores, the oldest first, with their size, and removes parts of cores.
func (c *newCore) list() (cores []fs.FileInfo, total int64, err error) {
	entries, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		name, isPart := strings.CutSuffix(entry.Name(), part)
		if !coreName.MatchString(name) || !entry.Type().IsRegular() {
			continue
		}
		if isPart {
			if err := c.root.Remove(entry.Name()); err != nil {
				return nil, 0, err
			}
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just been moved away
		}
		if err != nil {
			return nil, 0, err
		}
		cores, total = append(cores, info), total+info.Size()
	}
	slices.SortFunc(cores, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return cores, total, nil
}

// finish adds the record to a core that was written, and gives the file its name. The goroutine that
// panicked calls it.
func (c *newCore) finish(r *http.Request, header func() http.Header, value any) (path string, err error) {
	if c.err != nil {
		return "", c.err
	}
	c.record.Collected = corefile.Collections() != c.collections
	c.record.Message, c.record.Type = cut(fmt.Sprint(value), maxText), fmt.Sprintf("%T", value)
	c.record.Goroutine, c.record.Stack = corefile.GoroutineID(), cut(string(debug.Stack()), maxText)
	c.record.Request, c.record.Log = requestOf(r, header()), linesOf(r.Context())
	if err := c.record.Write(c.file); err != nil {
		return "", err
	}
	if err := c.file.Close(); err != nil {
		return "", err
	}
	if err := c.root.Rename(c.name+part, c.name); err != nil {
		return "", err
	}
	c.file = nil
	return filepath.Join(c.folder.Path, c.name), nil
}

// close removes a file that has not become a core, and unlocks the folder.
func (c *newCore) close() {
	if c.file != nil {
		_ = c.file.Close()
		_ = c.root.Remove(c.name + part) // if this fails, the next core removes the file
	}
	if c.dir != nil {
		_ = c.dir.Close()
	}
	if c.root != nil {
		_ = c.root.Close()
	}
}
