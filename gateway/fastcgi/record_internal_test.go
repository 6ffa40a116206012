package fastcgi

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// Records that are written can be read, with lengths of one byte and of four.
func FuzzVariablesRoundTrip(f *testing.F) {
	f.Add("PATH_INFO", "/", "HTTP_HOST", "example.org")
	f.Add("", "", "A", string(make([]byte, 200)))
	size := func(b []byte, n int) []byte {
		if n < 0x80 {
			return append(b, byte(n))
		}
		return binary.BigEndian.AppendUint32(b, uint32(n)|1<<31)
	}
	f.Fuzz(func(t *testing.T, a, x, b, y string) {
		if a == b || len(a) > maxVariableName || len(b) > maxVariableName {
			return
		}
		var p []byte
		for _, pair := range [][2]string{{a, x}, {b, y}} {
			p = size(size(p, len(pair[0])), len(pair[1]))
			p = append(append(p, pair[0]...), pair[1]...)
		}
		vars, err := variables(string(p))
		require.NoError(t, err)
		require.Equal(t, map[string]string{a: x, b: y}, vars)
		_, err = variables(string(p[:len(p)-1]))
		if len(b)+len(y) > 0 {
			require.ErrorIs(t, err, errProtocol)
		}
	})
}
