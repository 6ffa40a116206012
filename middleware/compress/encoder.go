package compress

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// encoder is a compressing writer that can be used again.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// encoders holds the idle encoders of each coding: each takes one to two
// megabytes. The levels are the ones above which a slower level gains little.
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
	// The window is 256 KiB: the default of 4 MiB would hold back 8 MiB of input.
	"br": {New: func() any { return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: 4, LGWin: 18}) }},
	"gzip": {New: func() any {
		e, err := flate.NewWriter(nil, 5)
		if err != nil {
			panic(err) // the level is a constant
		}
		return e
	}},
}

// coder compresses a long response.
type coder interface {
	io.WriteCloser
	Flush() error
	// abandon releases the memory of the coder, without ending the response.
	abandon()
}

// held bounds how many long responses have an encoder at once.
var held = make(chan struct{}, 16)

// coder returns a compressor for a long response, and its coding. A client that reads slowly keeps
// the state of its response in memory for as long as it likes. The state of gzip is the last 32 KiB
// of the response; that of zstd and br is the whole encoder. So only some responses at a time get
// zstd or br, and the others get gzip or no coding at all.
func (c *Compress) coder(coding string, r *http.Request, w io.Writer) (string, coder) {
	switch coding {
	case "":
		return "", nil
	case "gzip":
		return coding, newGzipBlocks(w)
	}
	select {
	case held <- struct{}{}:
		e := encoders[coding].Get().(encoder)
		e.Reset(w)
		return coding, &holding{encoder: e, pool: encoders[coding]}
	default:
		if c.takesGzip(r) {
			return "gzip", newGzipBlocks(w)
		}
		return "", nil
	}
}

// holding is a coder that holds its encoder until the response ends.
type holding struct {
	encoder
	pool  *sync.Pool
	since int // bytes of input since the last flush
}

func (h *holding) Write(p []byte) (done int, err error) {
	for done < len(p) && err == nil {
		var n int
		n, err = h.encoder.Write(p[done:min(len(p), done+block-h.since)])
		done += n
		if h.since += n; h.since == block && err == nil {
			err = h.Flush()
		}
	}
	return done, err
}

func (h *holding) Flush() error {
	h.since = 0
	return h.encoder.Flush()
}

func (h *holding) Close() error {
	defer h.abandon()
	return h.encoder.Close()
}

func (h *holding) abandon() {
	h.encoder.Reset(nil)
	h.pool.Put(h.encoder)
	h.encoder = nil
	<-held
}

// gzipBlocks is a coder for gzip (RFC 1952) that has an encoder only while it
// compresses a block. It keeps only the window, so that a block can refer to
// the one before:
//
//	buffer  [ window, up to 32 KiB | block, up to 64 KiB ]
type gzipBlocks struct {
	out    io.Writer
	buffer []byte
	window int // length of the window
	began  bool
	sum    uint32
	size   uint32
}

const window = 32 << 10

func newGzipBlocks(w io.Writer) *gzipBlocks { return &gzipBlocks{out: w} }

func (g *gzipBlocks) Write(p []byte) (done int, err error) {
	for done < len(p) {
		n := min(len(p)-done, block-(len(g.buffer)-g.window))
		g.buffer = append(g.buffer, p[done:done+n]...)
		done += n
		if len(g.buffer)-g.window == block {
			if err := g.emit(false); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (g *gzipBlocks) Flush() error {
	if len(g.buffer) == g.window {
		return nil
	}
	return g.emit(false)
}

func (g *gzipBlocks) Close() error { return g.emit(true) }

func (g *gzipBlocks) abandon() { g.buffer = nil }

// emit compresses the block and sends it.
func (g *gzipBlocks) emit(last bool) error {
	pooled := blocks.Get().(*[]byte)
	defer recycle(pooled)
	out := bytes.NewBuffer((*pooled)[:0])
	if !g.began {
		g.began = true
		out.WriteString(gzipHeader)
	}
	deflate(out, g.buffer[:g.window], g.buffer[g.window:], last)
	g.sum = crc32.Update(g.sum, crc32.IEEETable, g.buffer[g.window:])
	g.size += uint32(len(g.buffer) - g.window)
	if last {
		out.Write(g.trailer())
		g.buffer = nil
	} else {
		g.window = copy(g.buffer, g.buffer[max(0, len(g.buffer)-window):])
		g.buffer = g.buffer[:g.window]
	}
	*pooled = out.Bytes()
	_, err := g.out.Write(*pooled)
	return err
}

// gzipHeader has no name, no time and an unknown system.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

func (g *gzipBlocks) trailer() []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, g.sum), g.size)
}

// deflate appends a block to out that may refer to the window before it.
func deflate(out *bytes.Buffer, window, src []byte, last bool) {
	pool := encoders["gzip"]
	e := pool.Get().(*flate.Writer)
	if len(window) > 0 {
		e.ResetDict(out, window)
	} else {
		e.Reset(out)
	}
	// A bytes.Buffer accepts everything, so none of these can fail.
	_, _ = e.Write(src)
	if last {
		_ = e.Close()
	} else {
		_ = e.Flush()
	}
	e.ResetDict(io.Discard, nil)
	pool.Put(e)
}

// encode appends the whole of src to dst, compressed. It holds an encoder only
// while it compresses.
func encode(coding string, dst, src []byte) []byte {
	out := bytes.NewBuffer(dst)
	if coding == "gzip" {
		out.WriteString(gzipHeader)
		deflate(out, nil, src, true)
		g := gzipBlocks{sum: crc32.ChecksumIEEE(src), size: uint32(len(src))}
		out.Write(g.trailer())
		return out.Bytes()
	}
	e := encoders[coding].Get().(encoder)
	e.Reset(out)
	_, _ = e.Write(src)
	_ = e.Close()
	e.Reset(nil)
	encoders[coding].Put(e)
	return out.Bytes()
}
