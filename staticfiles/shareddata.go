// Package staticfiles serves files.
//
// [SharedData] is a middleware: its exports map URL prefixes to directories, single files, an
// [fs.FS] (embedded files too) or a zip file. The first export that has the file serves it; all
// other requests are passed to the application. Files have validators, so that clients can
// revalidate in one round trip. Fingerprinted names need no revalidation ([Shared.URL]). Clients
// that accept them get precompressed forms. Small files are kept in memory with their header fields
// ready to send. Werkzeug calls it SharedDataMiddleware.
//
// [Send] and [SendFrom] make a Response of one file, for views: downloads, uploads, files that the
// application protects.
package staticfiles

import (
	"log/slog"
	"net/http"
	"time"
)

// SharedData holds the settings of the middleware. The zero value exports
// nothing. [SharedData.Wrap] is enough for most programs; [SharedData.Open]
// reports bad exports as an error and returns a value that builds the URLs for
// templates.
type SharedData struct {
	// Exports are tried in order, and the first one that has the file serves it.
	Exports []Export

	// Set Development while the files are being edited. The exports are opened for every request,
	// nothing is kept in memory, every response says no-cache, and URL returns plain names.
	// Otherwise a change is noticed after Revalidate.
	Development bool

	// Revalidate is how long a file counts as unchanged after a check; 0 means one second, a
	// negative duration forever. A file that is not kept in memory is also checked whenever it is
	// opened and whenever a part of it is read.
	Revalidate time.Duration

	// Memory limits the memory in bytes for files, their compressed forms and the copies for
	// sendfile; 0 means 64 MiB, a negative number no limit. With 1, nothing is kept.
	Memory int64

	// MaxFile is the size in bytes up to which a file is kept in memory; 0 means 256 KiB, and a
	// negative number means half of Memory. A larger one is sent from the disk, with sendfile if
	// the system and the connection support it. While clients request parts of at most 16 KiB of it,
	// and up to 10 seconds longer, it stays open, as up to 64 files do; not on Windows.
	MaxFile int64

	// Encoders make compressed forms of files that have no precompressed ones.
	// They do that at the first request or in [Shared.Warm], and the forms are
	// kept within Memory. The package staticfiles/compress has them for br,
	// zstd and gzip.
	Encoders []Encoder

	// Logger gets records about files and exports that cannot be read. Nil means the logger of the
	// server during a request, and [slog.Default] otherwise.
	Logger *slog.Logger
}

// The defaults of [SharedData].
const (
	defaultRevalidate = time.Second
	defaultMemory     = 64 << 20
	defaultMaxFile    = 256 << 10
)

// Wrap returns a handler that serves the exported files and passes all other
// requests to next. It panics if [SharedData.Open] returns an error, so that a
// bad export ends the program when it starts.
func (d SharedData) Wrap(next http.Handler) http.Handler {
	s, err := d.Open()
	if err != nil {
		panic(err)
	}
	return s.Wrap(next)
}
