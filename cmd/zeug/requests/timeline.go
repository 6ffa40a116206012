package requests

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

// bar is a line of the time line: a mark with its place in the time of the request.
type bar struct {
	supervise.Span
	Depth int // how many bars it is inside of, maxDepth at most
	Class string
	// X and Width are thousandths of the whole.
	X, Width string
}

const maxDepth = 6

// narrowest is the least width of a bar that can be seen.
const narrowest = 3

// timelineOf returns the bars of a request, the first for all of it. A bar is inside of the last one
// before it that ends later.
func timelineOf(facts supervise.Facts) []bar {
	whole := facts.Took
	for _, s := range facts.Spans {
		whole = max(whole, s.At+s.Took)
	}
	if whole <= 0 {
		return nil
	}
	spans := slices.SortedStableFunc(slices.Values(facts.Spans), func(a, b supervise.Span) int { return cmp.Compare(a.At, b.At) })
	list := make([]bar, 0, len(spans)+1)
	list = append(list, place(supervise.Span{Kind: "program", Took: facts.Took}, whole, 0))
	open := []time.Duration{} // the ends of the bars around
	for _, s := range spans {
		end := s.At + s.Took
		for len(open) > 0 && open[len(open)-1] < end {
			open = open[:len(open)-1]
		}
		open = append(open, end)
		list = append(list, place(s, whole, len(open)))
	}
	return list
}

func place(s supervise.Span, whole time.Duration, depth int) bar {
	b := bar{Span: s, Depth: min(depth, maxDepth), Class: "other"}
	if slices.Contains([]string{"program", "middleware", "view", "template"}, s.Kind) {
		b.Class = s.Kind
	}
	share := func(d time.Duration) float64 { return float64(max(d, 0)) / float64(whole) * 1000 }
	width := min(max(share(s.Took), narrowest), 1000)
	x := min(share(s.At), 1000-width)
	b.X, b.Width = strconv.FormatFloat(x, 'f', 1, 64), strconv.FormatFloat(width, 'f', 1, 64)
	return b
}
