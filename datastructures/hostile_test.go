package datastructures_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

// hostile are headers made to cost more than their length: each repeats a string up to a size.
var hostile = map[string]func(size int) string{
	"commas":          repeat(","),
	"semicolons":      repeat(";"),
	"ampersands":      repeat("&"),
	"open quotes":     repeat(`"x,`),
	"backslashes":     func(n int) string { return `a="` + strings.Repeat(`\`, n) },
	"escapes":         repeat(`"\"\\",`),
	"spaces":          func(n int) string { return "a" + strings.Repeat(" ", n) + "b" },
	"spaced quotes":   repeat(`" `),
	"continuations":   numbered("x; a*%d=b"),
	"names":           numbered("n%d=1,"),
	"bare names":      numbered("n%d,"),
	"options":         numbered("; n%d=1"),
	"directives":      numbered("d%d x;"),
	"cookies":         numbered("c%d=\"\\073\";"),
	"open cookies":    repeat(`a="b;`),
	"tags":            numbered(`"t%d", `),
	"ranges":          ascendingRanges,
	"weights":         numbered("t/s%d;q=0.5,"),
	"params":          numbered("t/s;p%d=1;q=1,"),
	"languages":       repeat("de-AT;q=0.1, "),
	"digits":          func(n int) string { return "bytes=" + strings.Repeat("9", n) },
	"percents":        repeat("%"),
	"bad bytes":       repeat("%FF"),
	"challenges":      repeat("Basic a=b, "),
	"words of a date": repeat("06-Nov "),
}

func repeat(s string) func(int) string {
	return func(size int) string { return strings.Repeat(s, size/len(s)) }
}

func numbered(format string) func(int) string {
	return func(size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
}

func ascendingRanges(size int) string {
	b := strings.Builder{}
	b.WriteString("bytes=")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d-%d,", 2*i, 2*i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// TestNoHeaderTakesQuadraticTime gives every parser 256 KiB of every hostile
// header: a few milliseconds if time grows with length, a minute if it grows with
// its square.
func TestNoHeaderTakesQuadraticTime(t *testing.T) {
	const size, limit = 256 << 10, 10 * time.Second // of which a busy machine may take some
	for shape, build := range hostile {
		header := build(size)
		for name, parse := range parsers {
			start := time.Now()
			if read, ok := parse(header); ok {
				_ = read.String()
			}
			require.Less(t, time.Since(start), limit, "%s of %s", name, shape)
		}
	}
}

// BenchmarkHostile gives each parser the 64 KiB that take it longest.
func BenchmarkHostile(b *testing.B) {
	for _, c := range []struct{ parser, shape string }{
		{"Query", "ampersands"}, {"Query", "bad bytes"}, {"Options", "continuations"}, {"Options", "backslashes"},
		{"Dict", "names"}, {"List", "open quotes"}, {"List", "escapes"}, {"HeaderSet", "bare names"},
		{"Accept", "weights"}, {"Accept", "params"}, {"Language", "languages"}, {"Encoding", "commas"},
		{"ETags", "open quotes"}, {"ETags", "tags"}, {"Range", "ranges"}, {"RespCache", "bare names"},
		{"CSP", "directives"}, {"Auth", "names"}, {"Challenges", "challenges"}, {"Cookies", "open cookies"},
		{"Cookies", "cookies"}, {"Date", "words of a date"},
	} {
		header := hostile[c.shape](64 << 10)
		b.Run(c.parser+"/"+c.shape, func(b *testing.B) {
			b.SetBytes(int64(len(header)))
			b.ReportAllocs()
			for b.Loop() {
				parsers[c.parser](header)
			}
		})
	}
}

// BenchmarkPreconditions measures what a conditional request costs.
func BenchmarkPreconditions(b *testing.B) {
	h := http.Header{"If-None-Match": {`"5d8c72a5edda8", "other"`}, "If-Modified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT"}}
	state := datastructures.State{ETag: datastructures.ETag{Value: "other"}, Modified: time.Unix(784111777, 0)}
	b.ReportAllocs()
	for b.Loop() {
		if datastructures.ParsePreconditions(h).Evaluate("GET", state) != http.StatusNotModified {
			b.Fatal("modified")
		}
	}
}
