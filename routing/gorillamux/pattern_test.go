package gorillamux

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplatesThatNeedNoRegularExpression(t *testing.T) {
	for source, steps := range map[string]bool{
		`^/$`: true, `^/users/(?P<v0>[^/]+)/posts$`: true, `^/(?P<v0>[^/]+)/(?P<v1>.+)$`: true, `^/v(?P<v0>[0-9][0-9A-Za-z.-]*)/x`: true,
		`^/a/(?P<v0>[0-9]+)[/]?$`: true, `^/(?P<v0>.*)/json$`: true, `^/(?P<v0>[0-9a-f]{8})$`: true, `^(?P<v0>[^.]+)\.example\.com$`: true,
		`^/(?P<v0>[^/]+)\.(?P<v1>[^/]+)$`: false, `^/(?P<v0>a|ab)$`: false, `^/(?P<v0>(?i)a)$`: false, `^/(?P<v0>.*)/json[/]?$`: false,
		`^/(?P<v0>[^/]{2})$`: false,
	} {
		p := newPattern(&expression{regexp: regexp.MustCompile(source)})
		require.Equal(t, steps, p.steps != nil, source)
	}
}

// FuzzPatterns checks that steps match the same strings as the regular expression, and find the
// same variables.
func FuzzPatterns(f *testing.F) {
	for _, source := range []string{
		`^/users/(?P<v0>[^/]+)/posts$`, `^/(?P<v0>[^/]+)/(?P<v1>.+)$`, `^/v(?P<v0>[0-9][0-9A-Za-z.-]*)/x`, `^/a/(?P<v0>[0-9]*)[/]?$`,
		`^/(?P<v0>.*)/json$`, `^/(?P<v0>[0-9a-f]{2,4})x?$`, `^/(?P<v0>.*)[/]?$`, `^(?P<v0>\w*)(?P<v1>-?)(?P<v2>[0-9]+)`, `^/(?P<v0>[a-z]?)(?P<v1>[0-9]?)$`, `^$`, `^`,
		`^/é(?P<v0>[^/]*)é$`, `^(?P<v0>[\x00-\x{10FFFF}]+)$`, `^/(?P<v0>[a-zé]+)$`,
	} {
		for _, s := range []string{"/", "/users/7/posts", "/v1.2-a/x/y", "/a/12/", "/a/x", "/x/y/json", "/json", "/ab", "/abcde", "ab-12", "\xff\n", "/é\xc3é", "/a\xff/json", ""} {
			f.Add(source, s)
		}
	}
	f.Fuzz(func(t *testing.T, source, s string) {
		re, err := regexp.Compile(source)
		if err != nil || re.NumSubexp() > 8 {
			return
		}
		p := newPattern(&expression{regexp: re})
		groups := re.FindStringSubmatchIndex(s)
		require.Equal(t, groups != nil, p.matches(s), "%s on %q", source, s)
		if groups == nil || p.steps == nil {
			return
		}
		found := make([]int, 16)
		require.True(t, p.walk(s, found))
		require.Equal(t, groups[2:], found[:len(groups)-2], "%s on %q", source, s)
	})
}
