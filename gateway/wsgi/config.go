package wsgi

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/limits"
)

// Config says which application to run, and how. Only App must be set. For limits and durations 0
// means the default, and a negative value means no limit.
type Config struct {
	// App names the application: "module:name", with dots in either;
	// "module:factory('production', debug=False)" calls a factory with
	// literals; "module" alone is its application or app.
	App string
	// Dir is the folder in which the workers run, and the first place to import
	// from; the working directory by default.
	Dir string
	// Python is the interpreter. By default it is the interpreter of the virtual environment in
	// VIRTUAL_ENV, in a folder .venv of Dir or above (uv makes one), or python3.
	Python string
	// Env holds more variables for the workers, as "NAME=value".
	Env []string

	// Workers is the number of processes, up to 1024; by default one for each
	// processor.
	Workers int
	// Threads is the number of threads in each, up to 250; 2 by default. More of them suit
	// applications that wait for databases and other servers.
	Threads int
	// Preload makes one process import the application and fork the workers,
	// which then start at once and share its memory. A reload starts another
	// such process. Applications that open connections or start threads while
	// they are imported do not support it.
	Preload bool

	// MaxRequests is how many requests a worker answers before another one takes
	// its place; no limit by default. Up to MaxRequestsJitter more are added, so that
	// workers do not all leave at once.
	MaxRequests, MaxRequestsJitter int
	// MaxLifetime is how long a worker serves, plus up to a tenth; no limit by default.
	MaxLifetime time.Duration
	// MaxMemory is how many bytes of memory a worker may hold (its resident set)
	// before another one takes its place; no limit by default. It is checked every few seconds, on
	// Linux only.
	MaxMemory int64

	// StartTimeout is how long an import may take; 60 s.
	StartTimeout time.Duration
	// RequestTimeout is how long a worker may be silent about a request; 30 s.
	// The time in which the worker waits for the client does not count.
	RequestTimeout time.Duration
	// QueueTimeout is how long a request may wait for a worker; 30 s.
	QueueTimeout time.Duration
	// MaxQueue is how many may wait; 1024.
	MaxQueue int
	// DrainTimeout is how long a worker that has to leave may take to finish its
	// requests; 30 s.
	DrainTimeout time.Duration

	// BufferRequest is how many bytes of a body are read before a worker is taken;
	// 64 KiB. It is at most 256 KiB; a negative value means that maximum.
	BufferRequest int
	// SpoolChunked is the size up to which a chunked body is collected in a temporary file, so that
	// it has a CONTENT_LENGTH: without one Django reads nothing. Larger bodies are answered with
	// 413. By default none are collected: bodies larger than BufferRequest are passed on as they
	// come.
	SpoolChunked int64
	// BufferAnswer is how many bytes of a streamed answer may wait for a slow client,
	// so that the worker can go on; 1 MiB.
	BufferAnswer int
	// BufferTotal is how many bytes of answers may wait for slow clients together, so
	// that workers can go on; 64 MiB. Streamed responses count, and responses of one part above 4
	// MiB, which wait in memory. Once it is used up, a worker waits for its client.
	BufferTotal int64
	// RetryIdempotent sends a GET, HEAD, OPTIONS or TRACE to another worker if the first one died
	// before it sent anything, up to two times. Requests that a worker had not read when it died
	// are sent again in any case.
	RetryIdempotent bool

	// Debug shows Python's tracebacks to clients, for development. Workers get FLASK_DEBUG=1 unless
	// it is set, because otherwise Flask shows an error page of its own.
	Debug bool
	// Validate puts wsgiref.validate around the application; it raises an error if the application
	// breaks the specification.
	Validate bool
	// Logger gets records about the workers; slog.Default by default.
	Logger *slog.Logger
	// Output receives what the workers print, including tracebacks and wsgi.errors; standard error
	// by default. Output that it does not accept is lost.
	Output io.Writer
}

// complete checks c and sets the defaults.
func (c *Config) complete() error {
	module, _, _ := strings.Cut(c.App, ":")
	switch {
	case c.App == "":
		return errors.New("wsgi: Config.App is empty: name the application as in \"module:name\"")
	case module == "" || strings.HasSuffix(module, ".py") || strings.ContainsAny(module, "/\\ "):
		return fmt.Errorf("wsgi: Config.App is %q, which begins with no module: write %q", c.App, "module:name")
	}
	err := c.completeLimits()
	if err != nil {
		return err
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("wsgi: Config.Dir: %w", err)
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("wsgi: Config.Dir is %q, which is not a folder: name the one that the application is imported from", c.Dir)
	}
	if c.Python, err = findPython(c.Python, c.Dir); err != nil {
		return err
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Output == nil {
		c.Output = os.Stderr
	}
	return nil
}

// completeLimits sets the defaults of numbers, and turns negative values into no limit. Its error
// names the fields that are out of range.
func (c *Config) completeLimits() error {
	// By default there is no limit, which is 0 in the code from here on.
	c.MaxRequests, c.MaxLifetime, c.MaxMemory = max(c.MaxRequests, 0), max(c.MaxLifetime, 0), max(c.MaxMemory, 0)
	err := errors.Join(
		limits.Within(c.Workers, "wsgi: Config.Workers", 0, 1024),
		limits.Within(c.Threads, "wsgi: Config.Threads", 0, 250),
		limits.Within(c.MaxRequests, "wsgi: Config.MaxRequests", 0, math.MaxInt32/2),
		limits.Within(c.MaxRequestsJitter, "wsgi: Config.MaxRequestsJitter", 0, math.MaxInt32/2),
		limits.Within(c.MaxLifetime, "wsgi: Config.MaxLifetime", 0, limits.Forever),
		limits.Set(&c.MaxQueue, "wsgi: Config.MaxQueue", 1024, math.MaxInt32),
		limits.Set(&c.StartTimeout, "wsgi: Config.StartTimeout", 60*time.Second, limits.Forever),
		limits.Set(&c.RequestTimeout, "wsgi: Config.RequestTimeout", 30*time.Second, limits.Forever),
		limits.Set(&c.QueueTimeout, "wsgi: Config.QueueTimeout", 30*time.Second, limits.Forever),
		limits.Set(&c.DrainTimeout, "wsgi: Config.DrainTimeout", 30*time.Second, limits.Forever),
		limits.Set(&c.BufferRequest, "wsgi: Config.BufferRequest", 64<<10, blockSize),
		limits.Set(&c.SpoolChunked, "wsgi: Config.SpoolChunked", 0, math.MaxInt64/2),
		limits.Set(&c.BufferAnswer, "wsgi: Config.BufferAnswer", 1<<20, math.MaxInt32),
		limits.Set(&c.BufferTotal, "wsgi: Config.BufferTotal", 64<<20, math.MaxInt64),
	)
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	c.Threads = cmp.Or(c.Threads, 2)
	return err
}
