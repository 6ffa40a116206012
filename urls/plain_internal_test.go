package urls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The fast path for a plain URI returns what the way for all others returns.
func FuzzPlainURI(f *testing.F) {
	for _, seed := range []string{"/a?b=/c?d", "https://a.example/%zz", "http://xn--n3h.net/", "http://xn--", "http://a..b/", "http://-/", "http:///", "//a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if isPlainURI(s) {
			require.Equal(t, s, toURI(s))
		}
	})
}
