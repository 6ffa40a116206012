// Package staticfiles answers requests with files.
//
// [SharedData] is a middleware: its exports map URL prefixes to directories,
// single files, an [fs.FS] (embedded files too) or a zip file. The first export
// that has the file answers; everything else goes on to the application. Files
// have validators, so that clients revalidate in one round trip; fingerprinted
// names, so that they need not ([Shared.URL]); precompressed forms, where the
// client takes them; and small ones are kept in memory with their header
// fields ready to send. Werkzeug calls it SharedDataMiddleware.
//
// [Send] and [SendFrom] make a Response of one file, for views: downloads,
// uploads given back, files whose access the application decides.
package staticfiles

import (
	"net/http"
	"time"
)

// SharedData holds the settings of the middleware. The zero value exports
// nothing. [SharedData.Wrap] is enough for most programs; [SharedData.Open]
// reports bad exports as an error and gives the URLs for templates.
type SharedData struct {
	// Exports are asked in order; the first that has the file answers.
	Exports []Export

	// Development is for work on the files: they are opened anew for every
	// request, nothing is kept in memory, every answer says no-cache, and URL
	// gives plain names. Otherwise a change is seen after Revalidate.
	Development bool

	// Revalidate is for how long a file that was looked at is taken to be
	// unchanged; 0 means one second, a negative value for ever. A file that is
	// not kept in memory is looked at for every request.
	Revalidate time.Duration

	// Memory bounds, in bytes, what is kept of files, their compressed forms and
	// the copies that leave by sendfile; 0 means 64 MiB, a negative value nothing.
	Memory int64

	// MaxFile is the size in bytes up to which a file is kept in memory; 0
	// means 256 KiB. A larger one is sent from the disk, by sendfile where the
	// system and the connection have it.
	MaxFile int64

	// Encoders make compressed forms of files that have none beside them, at
	// first use or by [Shared.Warm], and keep them within Memory. The package
	// staticfiles/compress has them for br, zstd and gzip.
	Encoders []Encoder
}

// The defaults of [SharedData].
const (
	DefaultRevalidate = time.Second
	DefaultMemory     = 64 << 20
	DefaultMaxFile    = 256 << 10
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
