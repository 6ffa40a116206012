// Package compress is a middleware that compresses responses: zstd, br or gzip,
// whichever the client likes best.
//
//	compress.Compress{}.Wrap(app)
//
// It compresses text, JSON, SVG, fonts and the like from 1 KiB on. It does not
// compress responses that have a coding already, parts of a file, media types
// that are compressed in themselves, responses with Cache-Control:
// no-transform, and streams, whose pieces must arrive without delay. Files are
// better compressed once than at every request: see
// [github.com/zeugkit/zeug/staticfiles].
//
// A response of up to 64 KiB is compressed when its handler has returned, and sent
// with its length. A longer one is sent in blocks of 64 KiB. While its client does not read, such a
// response holds about 200 KiB. At most 16 long responses at once are an exception: they have zstd
// or br and hold up to 2 MiB each. Further responses get gzip, or no coding if their client does
// not accept gzip.
//
// A response that ends before its Content-Length is reached is cut, as net/http
// cuts it without compression, so that the client does not mistake it for the
// whole.
//
// A compressed response has a weak ETag, because its bytes are not those that the
// handler's ETag stands for. A 304 gets the tag that the client has, and If-Match
// with that tag reaches the handler as the handler's own. Fields with a digest of the
// body are removed.
//
// If a page holds a secret and repeats a part of the request, an attacker can find out the secret
// from the compressed length (the BREACH attack). Leave such pages out by Skip.
//
// The encoders are those of klauspost/compress and andybalholm/brotli. This is a separate package,
// so that only programs that use it link them.
package compress

import (
	"net/http"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Compress is the settings of the middleware. The zero value is usable.
type Compress struct {
	// MinSize is the length of the shortest response to compress, in bytes. 0
	// means 1024: a shorter one fits into one packet without compression. A
	// negative value compresses every length. The largest value is 16 MiB,
	// which each response then holds in memory.
	MinSize int
	// Codings are the offered codings, the best first: if the client likes several equally, the
	// first is taken. Default: zstd, br, gzip.
	Codings []string
	// Types are the media types to compress: "text/html", or "text/*" for all of that kind.
	// Default: the types of [DefaultTypes], and every type that ends with +json, +xml or +text.
	Types []string
	// Streams also compresses responses that flush, each piece separately.
	Streams bool
	// Skip leaves the response to a request uncompressed.
	Skip func(*http.Request) bool
}

// DefaultTypes returns the media types that are compressed if Types is nil. The
// slice is the caller's own: append to it to compress more types.
func DefaultTypes() []string {
	return slices.Clone(defaultTypes)
}

var defaultTypes = []string{
	"text/*", "application/javascript", "application/json", "application/ld+json", "application/manifest+json",
	"application/ndjson", "application/rss+xml", "application/sql", "application/toml", "application/vnd.ms-fontobject",
	"application/wasm", "application/x-ndjson", "application/xhtml+xml", "application/xml", "application/yaml",
	"font/otf", "font/ttf", "image/bmp", "image/svg+xml", "image/vnd.microsoft.icon", "image/x-icon",
}

// Wrap returns next with its responses compressed. It panics if a coding is
// unknown or MinSize is above 16 MiB.
func (c Compress) Wrap(next http.Handler) http.Handler {
	if c.MinSize == 0 {
		c.MinSize = 1024
	}
	c.MinSize = max(c.MinSize, 0)
	if err := limits.Within(c.MinSize, "compress.Compress: MinSize", 0, 16<<20); err != nil {
		panic(err)
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
			request:  r,
			coding:   c.coding(r),
			declared: -1,
		}
		if match := r.Header["If-Match"]; match != nil {
			copied := withStrongTags(r, match)
			defer requestcopy.RemoveFiles(copied, r)
			r = copied
		}
		// A response whose handler panics stays as it is: cut, so that the client can tell.
		next.ServeHTTP(cw.Like(cw, w), r)
		cw.close()
	})
}

// takesGzip reports whether a response may be in gzip, even if the client likes
// another coding better.
func (c *Compress) takesGzip(r *http.Request) bool {
	return slices.Contains(c.Codings, "gzip") &&
		datastructures.ParseEncodingAccept(strings.Join(r.Header["Accept-Encoding"], ",")).Quality("gzip") > 0
}

// coding is the coding that the client likes best, "" for none.
func (c *Compress) coding(r *http.Request) string {
	header := r.Header["Accept-Encoding"]
	if len(header) == 0 {
		return ""
	}
	accept := datastructures.ParseEncodingAccept(strings.Join(header, ","))
	if accept.First() == "" {
		// An empty field means that no coding is wanted (RFC 9110, section 12.5.3).
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
			return "" // the client prefers the response uncompressed
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
		types = defaultTypes
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
		// An event stream must arrive without delay.
		return t != "text/event-stream" || s.exact[t]
	}
	return s.suffixes && (strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+text"))
}
