package compress_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles/compress"
)

func TestEncodersRoundTrip(t *testing.T) {
	readers := map[string]func(io.Reader) (io.Reader, error){
		"br": func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659
		},
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	}
	noise := make([]byte, 100_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	contents := map[string]string{
		"nothing": "", "a byte": "x", "text": strings.Repeat("body { margin: 0 }\n", 5000), "noise": string(noise),
	}
	for _, e := range compress.All() {
		for name, content := range contents {
			t.Run(e.Coding+" of "+name, func(t *testing.T) {
				var b bytes.Buffer
				require.NoError(t, e.Encode(&b, []byte(content)))
				if name == "text" {
					require.Less(t, b.Len(), len(content)/20)
				}
				r, err := readers[e.Coding](&b)
				require.NoError(t, err)
				back, err := io.ReadAll(r)
				require.NoError(t, err)
				require.Equal(t, content, string(back))
			})
		}
	}
}

func TestEncodersReportAWriterThatFails(t *testing.T) {
	for _, e := range compress.All() {
		require.ErrorIs(t, e.Encode(broken{}, make([]byte, 1<<20)), io.ErrClosedPipe, e.Coding)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
