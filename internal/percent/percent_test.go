package percent_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/percent"
)

func TestSets(t *testing.T) {
	for _, test := range []struct {
		set        *percent.Set
		text, want string
	}{
		{percent.Segment, "", ""},
		{percent.Segment, "plain-._~!$&'()*+,:;=@", "plain-._~!$&'()*+,:;=@"},
		{percent.Segment, "a/b c", "a%2Fb%20c"},
		{percent.Segment, "100%", "100%25"},
		{percent.Segment, "ü\xff\x00\x7f", "%C3%BC%FF%00%7F"},
		{percent.Path, "a/b c", "a/b%20c"},
		{percent.Path, `?#[]\`, "%3F%23%5B%5D%5C"},
		{percent.Query, "a/b?c@d", "a/b?c@d"},
		{percent.Query, "a&b=c+d#e f", "a%26b%3Dc%2Bd%23e%20f"},
	} {
		require.Equal(t, test.want, test.set.Escape(test.text))
		require.Equal(t, "before"+test.want, string(test.set.Append([]byte("before"), test.text)))
		plain, err := url.PathUnescape(test.want)
		require.NoError(t, err)
		require.Equal(t, test.text, plain)
	}
}

func TestSpacesOfAQuery(t *testing.T) {
	require.Equal(t, "q=a+b%2Bc&d", string(percent.AppendQuery([]byte("q="), "a b+c"))+"&d")
	require.Equal(t, "+%26++", string(percent.AppendQuery(nil, " &  ")))
}

func TestEscapesAreRead(t *testing.T) {
	for c := range 256 {
		b := byte(c)
		require.Equal(t, strings.IndexByte("0123456789abcdefABCDEF", b) >= 0, percent.IsHex(b), "%q", b)
		for _, form := range []string{"%%%02x", "%%%02X"} {
			escape := fmt.Sprintf(form, b)
			require.True(t, percent.IsEscape(escape, 0))
			require.True(t, percent.IsEscape([]byte(escape), 0))
			require.Equal(t, b, percent.Byte(escape[1], escape[2]))
		}
		require.Equal(t, fmt.Sprintf("%%%02X", b), string(percent.AppendByte(nil, b)))
	}
	for _, text := range []string{"", "%", "%4", "%4g", "%g4", "x41", "%%41"} {
		require.False(t, percent.IsEscape(text, 0), text)
	}
	require.True(t, percent.IsEscape("%%41", 1))
}

// FuzzQuery compares reading with writing, and with net/url where that loses
// nothing.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"a=1&b&=c&&d=%FF%zz+e;f", "%", "%4", "a=%00%C3%BC", "\xff=%25"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := percent.UnescapeQuery(s)
		require.True(t, utf8.ValidString(text))
		require.Equal(t, text, percent.UnescapeQuery(string(percent.AppendQuery(nil, text))))
		if theirs, err := url.QueryUnescape(s); err == nil && utf8.ValidString(theirs) {
			require.Equal(t, theirs, text)
		}
	})
}
