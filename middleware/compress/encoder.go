package compress

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder is a compressing writer that can be used again.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// encoders holds the idle encoders of each coding: one takes from tens to
// hundreds of kilobytes. The levels are those at which a more careful one gains
// little for its time.
var encoders = map[string]*sync.Pool{
	"zstd": {New: func() any {
		// Browsers refuse windows of more than 8 MiB (RFC 9659); half a
		// megabyte is plenty for a document.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(512<<10), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}},
	"br": {New: func() any { return brotli.NewWriterLevel(nil, 4) }},
	"gzip": {New: func() any {
		e, err := gzip.NewWriterLevel(nil, 5)
		if err != nil {
			panic(err) // the level is a constant
		}
		return e
	}},
}
