// Package compress has the encoders with which [staticfiles.SharedData] makes
// compressed forms of files:
//
//	staticfiles.SharedData{
//		Exports:  []staticfiles.Export{{Prefix: "/static", Dir: "static"}},
//		Encoders: compress.All(),
//	}
//
// It is a separate package, so that programs that compress nothing, or compress
// at build time, do not link the libraries. The levels are high ones: a file is
// compressed once and sent many times.
package compress

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/zeugkit/zeug/staticfiles"
)

// All returns the encoders for br, zstd and gzip.
func All() []staticfiles.Encoder {
	return []staticfiles.Encoder{Brotli(), Zstd(), Gzip()}
}

// Brotli returns the encoder for br (RFC 7932): text becomes about a twentieth
// smaller than with gzip.
func Brotli() staticfiles.Encoder {
	return staticfiles.Encoder{Coding: "br", Encode: func(dst io.Writer, src []byte) error {
		return encode(brotli.NewWriterLevel(dst, 7), src)
	}}
}

// Zstd returns the encoder for zstd (RFC 8878). Its window is at most 8 MiB, as
// RFC 9659 requires for the web.
func Zstd() staticfiles.Encoder {
	// Its tables are large, so they are made only once.
	encoder := sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20), zstd.WithLowerEncoderMem(true))
	})
	return staticfiles.Encoder{Coding: "zstd", Encode: func(dst io.Writer, src []byte) error {
		e, err := encoder()
		if err == nil {
			_, err = dst.Write(e.EncodeAll(src, nil))
		}
		return err
	}}
}

// Gzip returns the encoder for gzip (RFC 1952).
func Gzip() staticfiles.Encoder {
	return staticfiles.Encoder{Coding: "gzip", Encode: func(dst io.Writer, src []byte) error {
		w, err := gzip.NewWriterLevel(dst, gzip.BestCompression)
		if err != nil {
			return err
		}
		return encode(w, src)
	}}
}

func encode(w io.WriteCloser, src []byte) error {
	if _, err := w.Write(src); err != nil {
		return err
	}
	return w.Close()
}
