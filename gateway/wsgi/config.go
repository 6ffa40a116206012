package wsgi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Config says which application to run, and how. Only App must be set.
type Config struct {
	// App names the application: "module:name", with points in either;
	// "module:factory('production', debug=False)" calls a factory with literals;
	// "module" alone is its application or app.
	App string
	// Dir is the folder the workers run in, and the first place to import from;
	// by default the working directory.
	Dir string
	// Python is the interpreter. By default it is that of the virtual environment
	// in VIRTUAL_ENV, in a folder .venv of Dir or above (uv makes one), or else
	// python3.
	Python string
	// Env holds more variables for the workers, as "NAME=value".
	Env []string

	// Workers is the number of processes; by default as many as processors.
	Workers int
	// Threads is the number of threads in each; 2 by default. More serve
	// applications that wait for databases and others.
	Threads int
	// Preload has one process import the application and fork the workers, which
	// start at once and share its memory. A reload starts another such process.
	// Applications that open connections or start threads when they are imported
	// do not bear it.
	Preload bool

	// MaxRequests is how many requests a worker answers before another one takes
	// its place, give or take up to MaxRequestsJitter more, so that they do not all
	// leave at once; 0 is no limit.
	MaxRequests, MaxRequestsJitter int
	// MaxLifetime is how long a worker serves, up to a tenth more; 0 is no limit.
	MaxLifetime time.Duration
	// MaxMemory is how many bytes of memory a worker may hold (its resident set)
	// before another one takes its place; 0 is no limit. It is looked at every few
	// seconds, on Linux.
	MaxMemory int64

	// StartTimeout is how long an import may take; 60 s.
	StartTimeout time.Duration
	// RequestTimeout is how long a worker may say nothing about a request; 30 s.
	// It does not run while the client is waited for.
	RequestTimeout time.Duration
	// QueueTimeout is how long a request may wait for a worker; 30 s.
	QueueTimeout time.Duration
	// MaxQueue is how many may wait; 1024.
	MaxQueue int
	// DrainTimeout is how long a worker that is to leave may finish its requests;
	// 30 s.
	DrainTimeout time.Duration

	// BufferRequest is how many bytes of a body are read before a worker is taken;
	// 64 KiB.
	BufferRequest int
	// SpoolChunked is up to how many bytes a chunked body is collected, in a
	// temporary file, so that it has a CONTENT_LENGTH: Django reads nothing without.
	// Larger ones are answered 413. At 0 they are passed on as they come.
	SpoolChunked int64
	// BufferAnswer is how many bytes of an answer may wait for a slow client, so that
	// the worker can go on; 1 MiB. Below 0 none do.
	BufferAnswer int
	// RetryIdempotent sends a GET, HEAD, OPTIONS or TRACE to another worker when the
	// first one died before it said anything, up to two times. What a worker had not
	// even read when it died is sent again in any case.
	RetryIdempotent bool

	// Debug shows Python's tracebacks to clients, for development.
	Debug bool
	// Validate puts wsgiref.validate around the application, which complains of
	// what is not by the specification.
	Validate bool
	// Logger hears of the workers; slog.Default by default.
	Logger *slog.Logger
	// Output takes what the workers print, tracebacks and wsgi.errors among it;
	// standard error by default.
	Output io.Writer
}

// complete checks c and puts in the defaults.
func (c *Config) complete() error {
	module, _, _ := strings.Cut(c.App, ":")
	switch {
	case c.App == "":
		return errors.New("wsgi: Config.App is empty: name the application as in \"module:name\"")
	case module == "" || strings.HasSuffix(module, ".py") || strings.ContainsAny(module, "/\\ "):
		return fmt.Errorf("wsgi: Config.App is %q, which begins with no module: write %q", c.App, "module:name")
	case c.Workers < 0 || c.Threads < 0 || c.Threads > 250 || c.MaxQueue < 0:
		return errors.New("wsgi: Config.Workers, Threads and MaxQueue are not below 0, and Threads not above 250")
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("wsgi: Config.Dir: %w", err)
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("wsgi: Config.Dir is %q, which is no folder: name the one that the application is imported from", c.Dir)
	}
	if c.Python, err = findPython(c.Python, c.Dir); err != nil {
		return err
	}
	preset(&c.Workers, runtime.GOMAXPROCS(0))
	preset(&c.Threads, 2)
	preset(&c.MaxQueue, 1024)
	preset(&c.StartTimeout, 60*time.Second)
	preset(&c.RequestTimeout, 30*time.Second)
	preset(&c.QueueTimeout, 30*time.Second)
	preset(&c.DrainTimeout, 30*time.Second)
	preset(&c.BufferRequest, 64<<10)
	preset(&c.BufferAnswer, 1<<20)
	c.BufferRequest = min(c.BufferRequest, blockSize)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Output == nil {
		c.Output = os.Stderr
	}
	return nil
}

func preset[T int | time.Duration](setting *T, otherwise T) {
	if *setting == 0 {
		*setting = otherwise
	}
}
