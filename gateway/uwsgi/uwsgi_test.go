package uwsgi_test

import (
	"bufio"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/uwsgi"
)

func packet(modifier byte, texts ...string) string {
	var body []byte
	for _, s := range texts {
		body = append(binary.LittleEndian.AppendUint16(body, uint16(len(s))), s...)
	}
	head := append([]byte{modifier}, binary.LittleEndian.AppendUint16(nil, uint16(len(body)))...)
	return string(append(append(head, 0), body...))
}

func TestReadVariables(t *testing.T) {
	vars, err := uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(packet(0, "A", "1", "B", "", "A", "2")+"body")), 1000)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "2", "B": ""}, vars)
	for name, text := range map[string]string{
		"nothing":               "",
		"HTTP":                  "GET / HTTP/1.1\r\n\r\n",
		"another modifier":      packet(5, "A", "1"),
		"too short":             packet(0, "A", "1")[:7],
		"a name alone":          packet(0, "A"),
		"a name that is empty":  packet(0, "", "1"),
		"a length beyond":       "\x00\x03\x00\x00\xff\xffA",
		"more than the maximum": packet(0, "A", strings.Repeat("x", 1000)),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
			require.Error(t, err)
		})
	}
}

func FuzzReadVariables(f *testing.F) {
	f.Add(packet(0, "A", "1"))
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
	})
}
