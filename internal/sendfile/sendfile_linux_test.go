package sendfile_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/sendfile"
)

func TestSend(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, content, 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()

	// sent returns what a client receives if n bytes are sent from an offset
	// on.
	sent := func(t *testing.T, send func(io.Writer, int, int64, int64) int64, at, n int64) []byte {
		client, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		defer client.Close()
		server, err := listener.Accept()
		require.NoError(t, err)
		count := make(chan int64)
		go func() {
			k := send(server, int(f.Fd()), at, n)
			server.Close()
			count <- k
		}()
		got, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Equal(t, int64(len(got)), <-count)
		return got
	}
	for name, part := range map[string]struct{ at, n, want int64 }{
		"all":                                {0, 1_000_000, 1_000_000},
		"a part from a place on":             {999, 5000, 5000},
		"nothing":                            {10, 0, 0},
		"less where the file ends":           {999_990, 100, 10},
		"nothing from beyond the end":        {2_000_000, 100, 0},
		"less where the length is unbounded": {500_000, 1 << 62, 500_000},
	} {
		for way, send := range map[string]func(io.Writer, int, int64, int64) int64{"sent": sendfile.Send, "copied": sendfile.Copy} {
			t.Run(name+" is "+way, func(t *testing.T) {
				got := sent(t, send, part.at, part.n)
				require.Len(t, got, int(part.want))
				if part.want > 0 {
					require.True(t, bytes.Equal(content[part.at:part.at+part.want], got))
				}
			})
		}
	}
	position, err := f.Seek(0, io.SeekCurrent)
	require.NoError(t, err)
	require.Zero(t, position, "the file's own position moved")

	t.Run("nothing to other writers than connections", func(t *testing.T) {
		require.Zero(t, sendfile.Send(io.Discard, int(f.Fd()), 0, 10))
	})
	t.Run("nothing to a client that has gone", func(t *testing.T) {
		client, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		server, err := listener.Accept()
		require.NoError(t, err)
		client.Close()
		server.Close()
		require.Zero(t, sendfile.Send(server, int(f.Fd()), 0, 10))
	})
}
