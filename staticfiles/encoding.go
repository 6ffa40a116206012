package staticfiles

import (
	"io"
	"sync"
)

// Encoder makes the compressed forms of one content coding.
type Encoder struct {
	// Coding is "br", "zstd" or "gzip".
	Coding string
	// Encode writes the compressed form of src to dst. It may be slow: it is
	// called once for each content. It must be safe for concurrent use.
	Encode func(dst io.Writer, src []byte) error
}

// The content codings. Their order decides if a client likes several equally.
const (
	brotli = iota
	zstd
	gzip
	codings
)

var (
	codingNames    = [codings]string{"br", "zstd", "gzip"}
	codingSuffixes = [codings]string{".br", ".zst", ".gz"}
)

func codingOf(name string) int {
	for c, n := range codingNames {
		if n == name {
			return c
		}
	}
	return -1
}

// A file smaller than smallest fits into one packet uncompressed. A file larger
// than largest takes too long to compress while a client waits.
const (
	smallestEncoded = 1 << 10
	largestEncoded  = 4 << 20
)

// codedForm is a resource in one coding: a file beside the original, or a form
// made here.
type codedForm struct {
	sibling *representation
	made    struct {
		once sync.Once
		rep  *representation // nil if it would not be smaller
	}
}
