package formdata_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/formdata"
)

// scanned describes a body: the lines of headers, contents in quotes, and the error that ended the
// reading.
func scanned(src io.Reader) (list []string) {
	s := formdata.NewScanner(src, "B")
	defer s.Release()
	s.Fresh = true
	for first := true; ; first = false {
		content, bound := []byte(nil), formdata.NoBound
		for bound == formdata.NoBound {
			data, kind, err := s.Next()
			if err != nil {
				return append(list, err.Error())
			}
			content = append(content, data...)
			bound = kind
		}
		if !first || len(content) > 0 {
			list = append(list, "'"+string(content)+"'")
		}
		if bound == formdata.LastBound {
			return list
		}
		for {
			line, err := s.Line(100)
			if err != nil {
				return append(list, err.Error())
			}
			if len(line) == 0 {
				break
			}
			list = append(list, string(line))
		}
		s.Fresh = true
	}
}

func TestScanner(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 10_000)
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"two parts", "--B\r\na: 1\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--\r\n", []string{"a: 1", "'x'", "'y'"}},
		{"a preamble", "before\r\n--B\r\n\r\nx\r\n--B--", []string{"'before'", "'x'"}},
		{"no content", "--B\r\n\r\n--B--", []string{"''"}},
		{"LF", "--B\na: 1\n\nx\n--B--", []string{"a: 1", "'x'"}},
		{"CR", "--B\ra: 1\r\rx\r--B--", []string{"a: 1", "'x'"}},
		{"spaces after a boundary", "--B \t\r\n\r\nx\r\n--B--", []string{"'x'"}},
		{"no boundary without a line break", "--B\r\n\r\nx--B\r\n--B--", []string{"'x--B'"}},
		{"a longer line", "--B\r\n\r\n--Bx\r\n--B--", []string{"'--Bx'"}},
		{"longer than the buffer", "--B\r\n\r\n" + long + "\r\n--B--", []string{"'" + long + "'"}},
		{"an end without a boundary", "--B\r\n\r\nx", []string{"unexpected EOF"}},
		{"a long header", "--B\r\n" + long + "\r\n\r\n--B--", []string{"longer than the buffer"}},
		{"nothing", "", []string{"unexpected EOF"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, scanned(strings.NewReader(test.body)))
			require.Equal(t, test.want, scanned(iotest.OneByteReader(strings.NewReader(test.body))))
		})
	}
}

func TestValidBoundary(t *testing.T) {
	for _, boundary := range []string{"B", "a b", strings.Repeat("-", 250), `"'()+_,-./:=?`} {
		require.True(t, formdata.ValidBoundary(boundary), boundary)
	}
	for _, boundary := range []string{"", "a\r", "ü", "\x7f", strings.Repeat("-", 251)} {
		require.False(t, formdata.ValidBoundary(boundary), boundary)
	}
}
