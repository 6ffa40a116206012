package wrappers_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func TestJSONIsDecoded(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		rules                   wrappers.JSONRules
		want                    any
	}{
		{"an object", "application/json", `{"a":[1,"ü"]}`, wrappers.JSONRules{}, map[string]any{"a": []any{1.0, "ü"}}},
		{"with parameters and another case", "Application/JSON; charset=utf-8", `1`, wrappers.JSONRules{}, 1.0},
		{"a suffix", "application/problem+json", `"x"`, wrappers.JSONRules{}, "x"},
		{"space around", "application/json", "\n null\t\r\n", wrappers.JSONRules{}, nil},
		{"a byte order mark", "application/json", "\ufeff{}", wrappers.JSONRules{}, map[string]any{}},
		{"the last of two keys", "application/json", `{"a":1,"a":2}`, wrappers.JSONRules{}, map[string]any{"a": 2.0}},
		{"any type", "text/plain", `1`, wrappers.JSONRules{AnyType: true}, 1.0},
		{"numbers as they are", "application/json", `12345678901234567890`, wrappers.JSONRules{UseNumber: true}, json.Number("12345678901234567890")},
		{"no key twice", "application/json", `{"a":{"a":["a","a",{"a":1}]},"b":1}`, wrappers.JSONRules{RefuseDuplicates: true}, map[string]any{"a": map[string]any{"a": []any{"a", "a", map[string]any{"a": 1.0}}}, "b": 1.0}},
		{"another decoder", "application/json", `{}`, wrappers.JSONRules{Unmarshal: func(data []byte, v any) error { *v.(*any) = string(data) + "!"; return nil }}, "{}!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := wrappers.NewRequest(request("POST", "/", c.contentType, c.body))
			for range 2 {
				var got any
				require.NoError(t, req.JSONWith(&got, c.rules))
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestJSONIsRefused(t *testing.T) {
	type shape struct {
		A struct{ B int }
	}
	known, strict := wrappers.JSONRules{RefuseUnknown: true}, wrappers.JSONRules{RefuseDuplicates: true}
	for _, c := range []struct {
		name, body string
		rules      wrappers.JSONRules
		says       string
		offset     any
	}{
		{"nothing", "", wrappers.JSONRules{}, "The body is empty where JSON was expected, at offset 0.", int64(0)},
		{"space", " \n", known, "empty", int64(0)},
		{"bad syntax", `{"A":}`, wrappers.JSONRules{}, "invalid character '}'", int64(5)},
		{"half of it", `{"A":`, wrappers.JSONRules{}, "unexpected end", int64(5)},
		{"half of it to a stream", `{"A":`, known, "unexpected end", int64(5)},
		{"more behind it", `{} {}`, wrappers.JSONRules{}, "after top-level value", int64(3)},
		{"more behind it to a stream", `{} {}`, known, "after top-level value", int64(3)},
		{"another shape", `{"A":{"B":"x"}}`, wrappers.JSONRules{}, `The value of "A.B" is a JSON string, which is not what is wanted`, int64(13)},
		{"another shape as a whole", `[]`, wrappers.JSONRules{}, "The body is a JSON array", int64(1)},
		{"not UTF-8", "{\"A\xff\":1}", wrappers.JSONRules{}, "not UTF-8, at offset 3", int64(3)},
		{"UTF-16", "\xff\xfe{\x00}\x00", wrappers.JSONRules{}, "not UTF-8, at offset 0", int64(0)},
		{"a key twice", `{"x":{"a":1,"b":2,"a":3}}`, strict, `the key "a" twice`, int64(21)},
		{"a key twice, spelled otherwise", `{"x":1,"\u0078":3}`, strict, `the key "x" twice`, int64(15)},
		{"bad syntax behind a key", `{"a":1,}`, strict, "not JSON", int64(7)},
		{"an unknown key", `{"C":1}`, known, `The body has the key "C", which is not known.`, nil},
		{"depth without end", strings.Repeat("[", 20_000), wrappers.JSONRules{}, "max depth", nil},
		{"what another decoder refuses", `{}`, wrappers.JSONRules{Unmarshal: func([]byte, any) error { return errors.New("secret") }}, "The body is not the JSON that is wanted.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := wrappers.NewRequest(request("POST", "/", "application/json", c.body))
			var e *httperror.Error
			require.ErrorAs(t, req.JSONWith(new(shape), c.rules), &e)
			require.Equal(t, httperror.BadRequest, e.Code)
			require.Contains(t, e.Description, c.says)
			if c.offset != nil {
				require.Equal(t, c.offset, e.Members["offset"])
			}
			require.ErrorContains(t, e, "JSON body")
		})
	}
}

func TestJSONOfAnotherTypeIsUnsupported(t *testing.T) {
	for _, contentType := range []string{"", "text/plain", "text/json", "application/jsonx", "image/svg+xml", "application"} {
		req := wrappers.NewRequest(request("POST", "/", contentType, "{}"))
		require.False(t, req.IsJSON())
		var v any
		var e *httperror.Error
		require.ErrorAs(t, req.JSON(&v), &e)
		require.Equal(t, httperror.UnsupportedMediaType, e.Code)
		require.Equal(t, "application/json", e.Header.Get("Accept"))
		data, err := req.Data()
		require.NoError(t, err)
		require.Equal(t, "{}", string(data))
	}
}

func TestJSONIntoNothingIsTheProgrammersError(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/", "application/json", "{}"))
	require.Equal(t, httperror.InternalServerError, httperror.CodeOf(req.JSON(nil)))
	require.Equal(t, httperror.InternalServerError, httperror.CodeOf(req.JSONWith(nil, wrappers.JSONRules{RefuseUnknown: true})))
}

func FuzzJSONDuplicates(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, `[]`, `{"a":[}`, `{} x`, `"a"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var loose, strict any
		req := wrappers.NewRequest(request("POST", "/", "application/json", string(body)))
		err := req.JSON(&loose)
		refused := req.JSONWith(&strict, wrappers.JSONRules{RefuseDuplicates: true})
		if err != nil {
			require.Error(t, refused, "the strict rule takes no more than the loose one")
			return
		}
		if refused == nil {
			require.Equal(t, loose, strict)
		} else {
			require.ErrorContains(t, refused, "twice")
		}
	})
}
