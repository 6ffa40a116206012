// Package staticfiles answers requests with files.
//
// [SharedData] is a middleware: its exports map URL prefixes to directories, single files, an
// [fs.FS] (embedded files too) or a zip file. The first export that has the file answers; all
// other requests go on to the application. Files have validators, so that clients can revalidate
// in one round trip. Fingerprinted names need no revalidation ([Shared.URL]). Clients that accept
// them get precompressed forms. Small files are kept in memory with their header fields ready to
// send. Werkzeug calls it SharedDataMiddleware.
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
// reports bad exports as an error and gives the URLs for templates.
type SharedData struct {
	// Exports are tried in order; the first that has the file answers.
	Exports []Export

	// Development is for work on the files. They are opened for every request, nothing is kept in
	// memory, every response says no-cache, and URL returns plain names. Otherwise a change is seen
	// after Revalidate.
	Development bool

	// Revalidate is how long a file is taken to be unchanged after a look; 0 means one second, a
	// negative duration for ever. A file that is not kept in memory is looked at for every
	// request.
	Revalidate time.Duration

	// Memory bounds, in bytes, the memory for files, their compressed forms and the copies that
	// leave by sendfile; 0 means 64 MiB, a negative number no limit. With 1 nothing is kept.
	Memory int64

	// MaxFile is the size in bytes up to which a file is kept in memory; 0 means 256 KiB, a
	// negative number no limit but half of Memory. A larger one is sent from the disk, by sendfile
	// if the system and the connection have it.
	MaxFile int64

	// Encoders make compressed forms of files that have none beside them, at
	// first use or by [Shared.Warm], and keep them within Memory. The package
	// staticfiles/compress has them for br, zstd and gzip.
	Encoders []Encoder

	// Logger is told of files and exports that cannot be read. Nil means the logger of the server for
	// what happens in a request, and [slog.Default] for the rest.
	Logger *slog.Logger
}

// The defaults of [SharedData].
const (
	defaultRevalidate = time.Second
	defaultMemory     = 64 << 20
	defaultMaxFile    = 256 << 10
)

// Wrap returns a handler that answers with the exported files and leaves all
// other requests to next. It panics where [SharedData.Open] returns an error,
// so that a bad export ends the program at its start.
func (d SharedData) Wrap(next http.Handler) http.Handler {
	s, err := d.Open()
	if err != nil {
		panic(err)
	}
	return s.Wrap(next)
}
