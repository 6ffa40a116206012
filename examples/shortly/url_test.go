package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckURL(t *testing.T) {
	for typed, host := range map[string]string{
		"http://example.org":                       "example.org",
		"https://example.org/":                     "example.org",
		"HTTPS://Example.ORG/Path?q=a#f":           "Example.ORG",
		"https://example.org:8443/x":               "example.org:8443",
		"https://example.org?q":                    "example.org",
		"https://example.org#f":                    "example.org",
		"http://my_nas.local.":                     "my_nas.local.",
		"http://localhost":                         "localhost",
		"http://192.0.2.1:80":                      "192.0.2.1:80",
		"http://[2001:db8::1]:80/x":                "[2001:db8::1]:80",
		"https://user:pw@example.org/":             "example.org",
		"https://paypal.com@evil.example/":         "evil.example",
		"https://bücher.example/straße?ä=ö":        "bücher.example",
		"https://example.org/100%":                 "example.org",
		"https://example.org/a b":                  "example.org",
		"https://example.org/?next=http://x@y/":    "example.org",
		"https://example.org/\"><script>":          "example.org",
		"https://example.org/%00":                  "example.org",
		"https://example.org/👩‍🚀":                  "example.org",
		strings.Repeat(" ", 9) + "http://x/\t\r\n": "x",
		"http://x/" + strings.Repeat("a", 7991):    "x",
	} {
		t.Run(typed[:min(60, len(typed))], func(t *testing.T) {
			target, err := checkURL(typed)
			require.NoError(t, err)
			require.Equal(t, strings.TrimSpace(typed), target)
			require.Equal(t, host, hostname(target))
		})
	}
	for typed, why := range map[string]error{
		"":                                     refusedEmpty,
		" \n ":                                 refusedEmpty,
		"example.org":                          refusedScheme,
		"//example.org":                        refusedScheme,
		"/path":                                refusedScheme,
		"ftp://example.org":                    refusedScheme,
		"javascript:alert(1)":                  refusedScheme,
		"javascript://example.org/%0aalert(1)": refusedScheme,
		"data:text/html,<script>":              refusedScheme,
		"file:///etc/passwd":                   refusedScheme,
		"https:example.org":                    refusedScheme,
		"https:/example.org":                   refusedScheme,
		`https:\\example.org`:                  refusedScheme,
		" http ://example.org":                 refusedScheme,
		"http://":                              refusedHost,
		"http:///path":                         refusedHost,
		"http://?q":                            refusedHost,
		"http://#f":                            refusedHost,
		"http://:80":                           refusedHost,
		"http://user@":                         refusedHost,
		"http://user@:80/":                     refusedHost,
		"http://exa mple.org":                  refusedHost,
		"http://example.org:port/":             refusedHost,
		"http://example.org:65536/":            refusedHost,
		"http://[::1":                          refusedHost,
		"http://a:1:2/":                        refusedHost,
		`https://good.example\@evil.example`:   refusedHost,
		`https://good.example\evil`:            refusedHost,
		"http://..":                            refusedHost,
		"http://[v1.x]/":                       refusedHost,
		"http://" + strings.Repeat("a", 64) + ".org": refusedHost,
		`http://<script>`:                          refusedHost,
		"http://example.org/a\nb":                  refusedCharacter,
		"http://example.org/\r\nSet-Cookie: a=b":   refusedCharacter,
		"http://example.org/\x00":                  refusedCharacter,
		"http://example.org/\x7f":                  refusedCharacter,
		"http://example.org/\u202egpj.exe":         refusedCharacter,
		"http://example.org/\xff":                  refusedCharacter,
		"java\tscript:alert(1)":                    refusedCharacter,
		"http://x/" + strings.Repeat("a", 7992):    refusedLength,
		strings.Repeat("http://example.org/", 1e5): refusedLength,
	} {
		t.Run("refused "+typed[:min(60, len(typed))], func(t *testing.T) {
			_, err := checkURL(typed)
			require.Equal(t, why, err)
		})
	}
}

func TestLeadsBelow(t *testing.T) {
	for _, c := range []struct {
		root, address string
		below         bool
	}{
		{"http://s.example/", "http://s.example", true},
		{"http://s.example/", "http://s.example/1", true},
		{"http://s.example/", "HTTPS://user@S.Example:443/1?q#f", true},
		{"http://s.example:5000/", "http://s.example:5000/1", true},
		{"http://[::1]:5000/", "http://[::1]:5000/1", true},
		{"https://xn--bcher-kva.example/", "https://bücher.example/1", true},
		{"https://s.example/s/", "https://s.example/s", true},
		{"https://s.example/s/", "https://s.example/s/1+", true},
		{"https://s.example/s/", "https://s.example/", false},
		{"https://s.example/s/", "https://s.example/second", false},
		{"http://s.example/", "http://s.example:5000/1", false},
		{"http://s.example/", "http://s.example.org/1", false},
		{"http://s.example/", "http://other.example/http://s.example/", false},
		{"http://s.example/", "http://s.example@other.example/", false},
		{"/", "http://s.example/", false}, // a request without a host
	} {
		require.Equal(t, c.below, leadsBelow(c.root, c.address), "%s below %s", c.address, c.root)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"http://example.org/", "https://u@h:1/p?q#f", "http://[::1]", "http://%41", "HTTP://ä"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		target, err := checkURL(typed)
		if err != nil {
			return
		}
		again, err := checkURL(target)
		require.NoError(t, err)
		require.Equal(t, target, again)
		require.NotEmpty(t, hostname(target))
		require.NotContains(t, hostname(target), "@")
		require.False(t, strings.ContainsAny(target, "\r\n\t\x00"))
	})
}

func TestPieces(t *testing.T) {
	for address, want := range map[string][]string{
		"":                                  nil,
		"https://example.org/a?b=c#d":       {"https://example.org/a?b=c#d"},
		"https://example.org/שלום/עולם":     {"https://example.org/", "שלום", "/", "עולם"},
		"https://שלום.עולם:80/x":            {"https://", "שלום", ".", "עולם", ":80/x"},
		"https://example.org/a-ב-1?ג=ד&e=f": {"https://example.org/", "a-ב-1", "?", "ג", "=", "ד", "&e=f"},
	} {
		t.Run(address, func(t *testing.T) {
			require.Equal(t, want, pieces(address))
		})
	}
}
