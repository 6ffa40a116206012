package routing_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// Random rules and paths, for the fuzz targets of this package.

// random makes random choices from a seed.
type random struct{ *rand.Rand }

func (d *random) of(list ...string) string { return list[d.IntN(len(list))] }
func (d *random) one(n int) bool           { return d.IntN(n) == 0 }

// off is Off once in n times.
func (d *random) off(n int) routing.Switch {
	if d.one(n) {
		return routing.Off
	}
	return 0
}

// pieces are segments of rules, with the number of the segment for "$".
var pieces = []string{"a", "b", "items", "a", "b", "<v$>", "<int:v$>", "<int(max=5):v$>", "<path:v$>", "x<v$>", "<v$>.json", "<v$>-<w$>", "", "ü", "<any(a,b):v$>", "<words:v$>", "<pair:v$>", "<rest:v$>", "<rest:v$>-<w$>", "<string(minlength=0):v$>"}

// converters are custom converters: one accepts the empty string, and two
// accept slashes.
var converters = map[string]routing.ConverterFunc{
	"words": func([]routing.Argument) (routing.Converter, error) { return routing.Converter{Pattern: `[a-z]*`}, nil },
	"pair": func([]routing.Argument) (routing.Converter, error) {
		return routing.Converter{Pattern: `[^/]+(?:/[^/]+)?`, Slashes: true, Weight: 150}, nil
	},
	"rest": func([]routing.Argument) (routing.Converter, error) {
		return routing.Converter{Pattern: `.*?`, Slashes: true, Weight: 250}, nil
	},
}

// rule makes a random rule with the given number as its target.
func (d *random) rule(n int) routing.Rule[int] {
	r := routing.Rule[int]{Target: n, Endpoint: d.of("", "e", fmt.Sprint("r", n), fmt.Sprint("r", n))}
	for i := range 1 + d.IntN(4) {
		r.Path += "/" + strings.ReplaceAll(d.of(pieces...), "$", strconv.Itoa(i))
	}
	if d.one(3) {
		r.Path += "/"
	}
	if d.one(3) {
		r.Methods = []string{d.of("GET", "POST")}
	}
	switch {
	case d.one(10):
		r.Defaults = map[string]any{"v0": d.of("a", "b", "1")}
	case d.one(10):
		r.RedirectTo = "/elsewhere"
	case d.one(10):
		r.Endpoint, r.Alias = "e", true
	case d.one(10):
		r.Endpoint, r.BuildOnly = fmt.Sprint("b", n), true
	}
	return r
}

// path makes a random path that such rules might match.
func (d *random) path() string {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		b.WriteString("/" + d.of("a", "b", "items", "1", "42", "a-b", "xa", "c.json", "", "a%2Fb", "%C3%BC", "%61"))
	}
	if d.one(3) {
		b.WriteString("/")
	}
	return b.String()
}
