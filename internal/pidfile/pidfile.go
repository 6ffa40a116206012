// Package pidfile keeps the PID file of a server: one line with the number of the process. The
// serving process holds a lock on the file, so that the number can be trusted. A file without a
// lock was left behind by a process that was killed, and its number may now belong to another
// program.
//
// On systems without such locks (fcntl, POSIX) a file counts as never held.
package pidfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A HeldError is the error of [Check] and [Take] for a file that another process
// holds.
type HeldError struct {
	Name string
	PID  int // 0 if the system does not report it
}

// Error names the file and the process.
func (e *HeldError) Error() string {
	if e.PID == 0 {
		return e.Name + " is the PID file of another server that runs"
	}
	return fmt.Sprintf("%s is the PID file of process %d, which runs", e.Name, e.PID)
}

// Read returns the process that the file names, and whether that process holds the file. The lock
// does not count if the process has ended, or if this process cannot see it. The error is an error
// of reading the file, or says that the file does not hold a number.
func Read(name string) (pid int, held bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 100))
	if err != nil {
		return 0, false, err
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid < 2 {
		return 0, false, fmt.Errorf("%s does not hold the number of a process", name)
	}
	by, locked := holder(f)
	return pid, locked && by == pid, nil
}

// Check returns the error that [Take] would return. It is a [HeldError] if
// another process holds the file, unless that is the parent of this process,
// which hands its file over. It may also say why the file cannot be written.
func Check(name string) error {
	if err := heldByAnother(name); err != nil {
		return err
	}
	f, err := write(name)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(f.Name()), f.Close())
}

func heldByAnother(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return nil // another user's file may be unreadable, but can still be replaced
	}
	defer f.Close()
	if pid, held := holder(f); held && pid != os.Getppid() {
		return &HeldError{name, pid}
	}
	return nil
}

// A File is a PID file that this process holds.
type File struct {
	name string
	f    *os.File
}

// attempts is how often Take looks again because another process replaced the
// file meanwhile.
const attempts = 10

// Take writes the number of this process to the file, and holds it. The file is
// replaced in one step, so another process reads either the old number or the
// new one. It returns a [HeldError] in the cases of [Check].
func Take(name string) (*File, error) {
	next, err := write(name)
	if err != nil {
		return nil, err
	}
	for range attempts {
		var done bool
		if done, err = replace(name, next); err != nil {
			break
		}
		if done {
			return &File{name: name, f: next}, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%s is replaced again and again by other processes", name)
	}
	os.Remove(next.Name())
	next.Close()
	return nil, err
}

// write makes the new file next to the old one, and locks it.
func write(name string) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = lock(f)
	}
	if err != nil {
		os.Remove(f.Name())
		f.Close()
		return nil, err
	}
	return f, nil
}

// replace replaces the file by next. It reports false without an error if
// another process was faster; the caller must then call it again.
func replace(name string, next *os.File) (done bool, err error) {
	old, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// A link fails if the file has appeared meanwhile. Some file systems have
		// no links.
		if err := os.Link(next.Name(), name); errors.Is(err, fs.ErrExist) {
			return false, nil
		} else if err == nil {
			return true, os.Remove(next.Name())
		}
		return true, os.Rename(next.Name(), name)
	}
	if errors.Is(err, fs.ErrPermission) {
		// The file belongs to another user, but this user may write to the folder.
		if err := heldByAnother(name); err != nil {
			return false, err
		}
		return true, os.Rename(next.Name(), name)
	}
	if err != nil {
		return false, err
	}
	defer old.Close() // this also releases its lock
	if lock(old) != nil {
		if pid, held := holder(old); held && pid != os.Getppid() {
			return false, &HeldError{name, pid}
		} else if !held {
			return false, nil // released meanwhile
		}
	}
	if !same(name, old) {
		return false, nil
	}
	if err := os.Rename(next.Name(), name); err != nil {
		return false, err
	}
	return true, nil
}

// Keep puts the file back if another process has replaced it.
func (f *File) Keep() error {
	if same(f.name, f.f) {
		return nil
	}
	again, err := Take(f.name)
	if err != nil {
		return err
	}
	f.f.Close()
	f.f = again.f
	return nil
}

// Remove removes the file, unless it belongs to a process that took over, and releases the lock.
func (f *File) Remove() {
	if same(f.name, f.f) {
		os.Remove(f.name)
	}
	f.f.Close()
}

func same(name string, f *os.File) bool {
	at, err := os.Stat(name)
	if err != nil {
		return false
	}
	own, err := f.Stat()
	return err == nil && os.SameFile(at, own)
}
