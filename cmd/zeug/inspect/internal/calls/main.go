// Command calls has variables and methods for expressions with calls. The test of package inspect replaces a
// marked line by expressions. It writes a core of itself, and prints as JSON what each expression is.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/corefile"
)

type color uint8

type box struct {
	name    string
	width   int
	height  int32
	ratio   float64
	small   int8
	wide    uint64
	hue     color
	open    bool
	parts   []string
	inner   *box
	made    time.Time
	lasting time.Duration
}

func (b *box) Name() string             { return b.name }
func (b box) Width() int                { return b.width }
func (b *box) Area() int                { return b.width * int(b.height) }
func (b *box) Title() string            { return strings.ToUpper(b.name) + "!" }
func (b *box) Wider(by int) int         { return b.Area()*2 + by }
func (b box) Half() float64             { return b.ratio / 2 }
func (b *box) Open() bool               { return b.open && b.width > 3 || b.small < 0 }
func (b *box) Inner() *box              { return b.inner }
func (b *box) Hue() color               { return b.hue }
func (b *box) Len() int                 { return len(b.parts) }
func (b *box) Part(i int) string        { return b.parts[i] }
func (b *box) Wrapped() int8            { return b.small + 100 }
func (b *box) Label(x, y string) string { return x + b.name + y + strconv.Itoa(b.width) }
func (b *box) Size() int64              { return 7 }
func (b *box) Global() int              { return limit + b.width }
func (b *box) Made() time.Time          { return b.made }
func (b *box) Lasting() time.Duration   { return b.lasting }
func (b *box) Shadow(limit int) int     { return limit + b.width }
func (b *box) Loop() (n int) {
	for range b.width {
		n++
	}
	return n
}

//lint:ignore SA4000 it divides by zero
func (b *box) Fail() int      { return b.width / (b.width - b.width) }
func (b *box) String() string { return fmt.Sprintf("%s %dx%d", b.name, b.width, b.height) }

//lint:ignore U1000 expressions call it
func double(n int) int         { return n * 2 }
func (c color) String() string { return "color" }
func (c color) Number() int    { return int(c) + 1 }

var limit = 40

var errGone = errors.New("gone")

var errOther = errors.New("gone")

type result struct {
	Goroutine int64
	Want      map[string]string
}

func main() {
	inner := &box{name: "inner", width: -3, height: 1 << 20, small: 127, wide: math.MaxUint64, hue: 3}
	frame(&box{name: "pen é", width: 6, height: 7, ratio: 0.1, small: -128, wide: 1 << 63, hue: 255, open: true, parts: []string{"a", "b,c", ""}, inner: inner,
		made: time.Date(2026, 2, 28, 23, 59, 59, 5, time.UTC), lasting: 90 * time.Minute}, *inner)
}

func frame(b *box, value box) {
	i, j, k := 7, -5, math.MaxInt
	s8, t8 := int8(-128), int8(77)
	u8, v8 := uint8(200), uint8(3)
	u, v := uint(math.MaxUint), uint(9)
	i64, j64 := int64(math.MinInt64), int64(1<<40)
	f, g, h := 0.1, -3e100, math.Inf(1)
	nan, zero := math.NaN(), math.Copysign(0, -1)
	f32, g32 := float32(0.1), float32(16777216)
	s, t, e := "Hello, Wörld", "l", ""
	yes, no := true, false
	hue := color(9)
	header := http.Header{"Accept": {"text/html", "x"}, "X-A": {"1"}}
	at, err := url.Parse("https://ann@example.org:8080/a%2Fb?q=1&r=two#top")
	must(err)
	made := time.Date(2026, 11, 30, 13, 14, 15, 16, time.UTC)
	later := made.Add(36 * time.Hour)
	lasting := 1500 * time.Millisecond
	ip := netip.MustParseAddr("10.1.2.3")
	gone, wrapped := errGone, fmt.Errorf("open: %w", errGone)
	var none error
	c := makeCrate(b)
	numbers, names := &stack[int]{items: []int{4, 8, 15}, limit: 3}, stack[string]{items: []string{"x", "é"}}
	boxes := stack[*box]{items: []*box{b, b.inner}}
	both := pair[string, *box]{"key", b}
	bytes8 := []uint8{3, 200, 7}
	failed := error(&failure{"open", 3, fmt.Errorf("inner: %w", errGone)})
	wanted := &failure{"other", 7, nil}
	other := wanted
	var empty *crate
	twice := local()

	want := map[string]string{}
	try := func(name string, f func() any) {
		defer func() {
			if p := recover(); p != nil {
				want[name] = "panic"
			}
		}()
		want[name] = told(f())
	}
	// EXPRESSIONS
	_, goroutine, err := corefile.Write(os.Args[1], 0)
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(result{goroutine, want}))
	keep(&i, &j, &k, &s8, &t8, &u8, &v8, &u, &v, &i64, &j64, &f, &g, &h, &nan, &zero, &f32, &g32, &s, &t, &e, &yes, &no, &hue, &header, &at, &made, &later, &lasting, &ip, &gone, &wrapped, &none, errOther, try, b, value, path.Base, strings.ToUpper, c, numbers, names, boxes, both, bytes8, largest(bytes8), &failed, wanted, &other, empty, twice, split{}.N())
}

func told(v any) string {
	switch x := v.(type) {
	case string:
		return "string " + strconv.Quote(x)
	case []string:
		return "[]string " + strings.ReplaceAll(fmt.Sprintf("%q", x), `" "`, `", "`)
	case []int:
		return "[]int " + strings.ReplaceAll(fmt.Sprint(x), " ", ", ")
	case []byte:
		return "[]uint8 " + strconv.Quote(string(x))
	case float64:
		return "float64 " + strconv.FormatFloat(x, 'g', -1, 64)
	case float32:
		return "float32 " + strconv.FormatFloat(float64(x), 'g', -1, 32)
	case color:
		return fmt.Sprintf("main.color %d", uint8(x))
	case time.Time:
		return "time.Time " + x.Round(0).String()
	}
	return fmt.Sprintf("%T %v", v, v)
}

func keep(...any) {}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
