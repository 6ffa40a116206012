package staticfiles

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A file that is too large for memory is opened for each request. A player that fetches a film in
// pieces of some kilobytes asks for many parts of the same file, and to open and close it then takes
// longer than to read the part. So a file stays open after the second request for a short part:
//
//	bytes=0-1023      open, read, check, close
//	bytes=1024-2047   open, read, check
//	bytes=2048-3071         read, check
//	10 s of silence                      close
//
// The name was checked within Revalidate, like that of a file in memory. The bytes belong to the content
// that the validators of the response name, since the open file is checked after each read.

const (
	// maxOpen limits the files that stay open.
	maxOpen = 64
	// stayOpen is how long a file stays open without a request, at most twice that long. A file that
	// was deleted needs its room on the disk for that time.
	stayOpen = 5 * time.Second
	// keepsOpen is false where a file that is open cannot be deleted.
	keepsOpen = runtime.GOOS != "windows"
)

// openFiles are the files of a Shared that stay open. The zero value holds none.
type openFiles struct {
	mu     sync.Mutex
	closed bool
	files  map[*openFile]struct{}
}

// openFile is an open file of a representation.
type openFile struct {
	*file
	used  atomic.Bool // since the timer last looked
	timer *time.Timer
}

// opened is where a representation keeps its file.
type opened struct {
	asked atomic.Bool
	file  atomic.Pointer[openFile]
}

// hold keeps f open at a place, and reports whether it does.
func (o *openFiles) hold(at *opened, f *file) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(o.files) == maxOpen || at.file.Load() != nil {
		return false
	}
	held := &openFile{file: f}
	held.timer = time.AfterFunc(stayOpen, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if held.used.Swap(false) {
			held.timer.Reset(stayOpen)
		} else {
			o.drop(at, held)
		}
	})
	if o.files == nil {
		o.files = make(map[*openFile]struct{})
	}
	o.files[held] = struct{}{}
	at.file.Store(held)
	return true
}

// discard closes a file that is held. Another goroutine that reads it meanwhile finishes that, or
// gets an error and opens the file itself.
func (o *openFiles) discard(at *opened, held *openFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	held.timer.Stop()
	o.drop(at, held)
}

// drop does what discard does. The caller has locked mu.
func (o *openFiles) drop(at *opened, held *openFile) {
	at.file.CompareAndSwap(held, nil)
	if _, ok := o.files[held]; ok {
		delete(o.files, held)
		held.Close()
	}
}

// Close closes all files.
func (o *openFiles) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for held := range o.files {
		held.timer.Stop()
		held.Close()
	}
	clear(o.files)
}

// readPart reads the part of rep's content that begins at start and is as long as b. The error is
// errChanging, errUnreadable, or that of opening the file.
func (s *Shared) readPart(e *export, rep *representation, b []byte, start int64) error {
	if held := rep.opened.file.Load(); held != nil {
		held.used.Store(true)
		if held.readAt(b, start) == nil {
			return nil
		}
		s.openFiles.discard(&rep.opened, held) // if the error stays, opening the file returns it too
	}
	f, err := rep.open(e)
	if err != nil {
		return err
	}
	err = f.readAt(b, start)
	if again := rep.opened.asked.Swap(true); err == nil && again && keepsOpen && f.disk != nil && s.openFiles.hold(&rep.opened, f) {
		return nil
	}
	f.Close()
	return err
}
