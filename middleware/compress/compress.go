// Package compress is a middleware that compresses answers: zstd, br or gzip,
// whichever the client likes best.
//
//	compress.Compress{}.Wrap(app)
//
// It compresses what gains by it (texts, JSON, SVG, fonts and the like, from
// 1 KiB on) and leaves alone what does not: answers that are coded already,
// parts of a file, media types that are compressed in themselves, answers that
// say no-transform, and streams, whose pieces have to arrive as they come. Files
// are better compressed once than at every request: see
// [github.com/zeugkit/zeug/staticfiles].
//
// A page that holds a secret and repeats what a request says can be read off by
// its compressed length (the BREACH attack). Leave such pages out by Skip.
//
// The encoders are klauspost/compress's and andybalholm/brotli's, and this a
// package of its own so that only who uses it links them.
package compress

import (
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Compress is the settings of the middleware. The zero value is usable.
type Compress struct {
	// MinSize is how long an answer has to be, in bytes. 0 means 1024: a
	// shorter one fits into one packet as it is.
	MinSize int
	// Codings are what is offered, the best first: of codings that the client
	// likes equally the first is taken. Default: zstd, br, gzip.
	Codings []string
	// Types are the media types to compress: "text/html", or "text/*" for all
	// of that kind. Default: [DefaultTypes], and every type in +json, +xml or
	// +text.
	Types []string
	// Streams compresses answers that flush as well, each piece for itself.
	Streams bool
	// Skip leaves the answer to a request alone.
	Skip func(*http.Request) bool
}

// DefaultTypes are the media types that are compressed where no others are set.
var DefaultTypes = []string{
	"text/*", "application/javascript", "application/json", "application/ld+json", "application/manifest+json",
	"application/ndjson", "application/rss+xml", "application/sql", "application/toml", "application/vnd.ms-fontobject",
	"application/wasm", "application/x-ndjson", "application/xhtml+xml", "application/xml", "application/yaml",
	"font/otf", "font/ttf", "image/bmp", "image/svg+xml", "image/vnd.microsoft.icon", "image/x-icon",
}

// Wrap returns next with its answers compressed. It panics if a coding is
// unknown or MinSize negative.
func (c Compress) Wrap(next http.Handler) http.Handler {
	if c.MinSize < 0 {
		panic("compress.Compress: MinSize is negative")
	}
	if c.MinSize == 0 {
		c.MinSize = 1024
	}
	if len(c.Codings) == 0 {
		c.Codings = []string{"zstd", "br", "gzip"}
	}
	for _, coding := range c.Codings {
		if encoders[coding] == nil {
			panic("compress.Compress: unknown coding " + coding + ", want zstd, br or gzip")
		}
	}
	types := newTypeSet(c.Types)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.Skip != nil && c.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		cw := &writer{
			Forward:  responsewriter.Forward{ResponseWriter: w},
			settings: &c,
			types:    types,
			coding:   c.coding(r),
			head:     r.Method == http.MethodHead,
		}
		// A handler that panics leaves its answer as it is: cut, so that the
		// client can tell.
		next.ServeHTTP(cw.Like(cw, w), r)
		cw.close()
	})
}

// coding is the coding that the client likes best, "" for none.
func (c *Compress) coding(r *http.Request) string {
	header := r.Header["Accept-Encoding"]
	if len(header) == 0 {
		return ""
	}
	accept := datastructures.ParseEncodingAccept(strings.Join(header, ","))
	if accept.Len() == 0 {
		// An empty field wants no coding (RFC 9110, section 12.5.3).
		return ""
	}
	best, quality := "", 0.0
	for _, offer := range c.Codings {
		if q := accept.Quality(offer); q > quality {
			best, quality = offer, q
		}
	}
	for name, q := range accept.All() {
		if q > quality && strings.EqualFold(name, "identity") {
			return "" // it would rather have the answer as it is
		}
	}
	return best
}

// typeSet answers whether a media type is to be compressed.
type typeSet struct {
	exact, kinds map[string]bool
	suffixes     bool
}

func newTypeSet(types []string) *typeSet {
	s := &typeSet{exact: map[string]bool{}, kinds: map[string]bool{}, suffixes: types == nil}
	if types == nil {
		types = DefaultTypes
	}
	for _, t := range types {
		if kind, all := strings.CutSuffix(strings.ToLower(t), "/*"); all {
			s.kinds[kind] = true
		} else {
			s.exact[strings.ToLower(t)] = true
		}
	}
	return s
}

func (s *typeSet) has(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	kind, _, _ := strings.Cut(t, "/")
	if s.exact[t] || s.kinds[kind] {
		// An event stream has to arrive as it comes.
		return t != "text/event-stream" || s.exact[t]
	}
	return s.suffixes && (strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+text"))
}
