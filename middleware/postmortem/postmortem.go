// Package postmortem keeps cores of a program in production, so that a panic can be looked at on a
// developer's machine as during development: the frames with their source and variables, the request,
// and a console for expressions.
//
//	cores := &postmortem.Folder{Path: "/var/lib/shop/cores"}
//	app = middleware.Recover{Core: cores}.Wrap(app)
//
// A core has all of the process's memory, and with it all of its secrets: passwords, keys, the data
// of users. So it is written only for programs that import this package, into a folder that no other
// user may enter. The command
//
//	zeug inspect shop-20261130T140501.123456Z-4711.core --program shop
//
// opens it. The guide of the debugger says how to build the program for that, and how to keep cores
// safe.
//
// Cores are written on Linux, on amd64 and arm64. Elsewhere the log says once that there are none.
package postmortem

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/middleware"
)

// Folder is a folder for cores, for the field Core of [middleware.Recover]. Several processes may
// share one: the limits hold for all of them together, and after a restart too.
//
// One core is written at a time. A request that panics meanwhile is answered without a core, and so
// is one that would exceed a limit, or whose core cannot be written. The log says why.
type Folder struct {
	// Path is the folder. It is made with mode 0700 if it is missing. It must belong to the user of
	// the process, must not be a symbolic link, and no other user may have access. Cores have mode
	// 0600.
	Path string
	// PerHour is how many cores are written in an hour at most. A core that could not be written to
	// its end counts too. Default: 4. A negative number means no limit.
	PerHour int
	// MaxBytes is the largest size of all cores in the folder together, in bytes, so no core can be
	// larger. The oldest cores are removed before a new one is written. Default: 1 GiB. A negative
	// number means no limit.
	//
	// The disk must have room for twice the size of a core in any case.
	MaxBytes int64

	mu     sync.Mutex // held while a core is written
	told   string     // the last error; the same one is not returned again
	filled time.Time  // no core is written before this time, because of PerHour
}

const (
	presetPerHour  = 4
	presetMaxBytes = 1 << 30
)

var _ middleware.CoreWriter = (*Folder)(nil)

// Check returns an error if Path is empty.
func (f *Folder) Check() error {
	if f.Path == "" {
		return errors.New("postmortem: Folder.Path is empty: name a folder that only the user of the process may enter")
	}
	return nil
}

var errBusy = errors.New("postmortem: the core of another panic is being written")

// WriteCore writes a core, for [middleware.Recover]. It returns each reason for a missing core once,
// until a core has been written or there is another reason.
func (f *Folder) WriteCore(r *http.Request, header func() http.Header, value any) (path string, err error) {
	if !f.mu.TryLock() {
		return "", errBusy
	}
	defer f.mu.Unlock()
	c := &newCore{folder: f}
	defer c.close()
	corefile.Aside(c.write)
	return f.tell(c.finish(r, header, value))
}

// tell returns the path of a new core or an error, but returns the same error only once.
func (f *Folder) tell(path string, err error) (string, error) {
	if err == nil {
		f.told = ""
		return path, nil
	}
	if err = fmt.Errorf("postmortem: %w", err); err.Error() == f.told {
		return "", nil
	}
	f.told = err.Error()
	return "", err
}

// maxText is how many bytes are kept of the stack and of the panic's value, and maxHeader is how many
// are kept of all header fields.
const (
	maxText   = 64 << 10
	maxHeader = 128 << 10
)

func cut(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// requestOf is what a page shows of a request. Forms are not among it: reading the map of one may end
// the process if another goroutine writes to it.
func requestOf(r *http.Request, header http.Header) corefile.Request {
	origin := gateway.OriginOf(r)
	kept := corefile.Request{
		Method: r.Method, Target: cut(r.URL.RequestURI(), maxText), Protocol: r.Proto,
		Scheme: origin.Scheme, Host: origin.Host, RootPath: origin.RootPath, Client: r.RemoteAddr,
		Header: map[string][]string{}, ID: middleware.RequestIDOf(r.Context()),
	}
	if route := gateway.RouteOf(r); route != nil {
		kept.Rule = route.Pattern
	}
	size := 0
	for name, values := range header {
		for _, value := range values {
			if size += len(name) + len(value); size > maxHeader {
				return kept
			}
			kept.Header[name] = append(kept.Header[name], value)
		}
	}
	return kept
}

// own identifies the program that runs, once.
var own = sync.OnceValues(func() (build string, err error) { return corefile.BuildOf("/proc/self/exe") })

// nameOf is the file name of a core: the program, the time, and the process ID.
func nameOf(program string, at time.Time) string {
	program = strings.TrimSuffix(filepath.Base(program), " (deleted)")
	program = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			return c
		}
		return '_'
	}, program[:min(len(program), 64)])
	return fmt.Sprintf("%s-%s-%d.core", program, at.UTC().Format(nameTime), os.Getpid())
}

const nameTime = "20060102T150405.000000Z"

// perHour and maxBytes are the limits.
func (f *Folder) perHour() int    { return limits.Number(f.PerHour, presetPerHour) }
func (f *Folder) maxBytes() int64 { return limits.Number(f.MaxBytes, presetMaxBytes) }
