package measure

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/bench"
)

// A Unit is what a table shows, and a goal bounds.
type Unit struct {
	name  string
	value func(Result) float64
	// rounds are the values of the rounds; 0 is a round that does not count.
	rounds func(Result) []float64
	cell   func(Result) string
	goal   func(goal) (ratio float64, peer string)
}

// The units of results.
var (
	Time = Unit{
		"time", func(r Result) float64 { return r.Nanoseconds }, counted, timeCell,
		func(g goal) (float64, string) { return g.ratio, g.peer },
	}
	Count = Unit{
		"instructions", func(r Result) float64 { return r.Instructions },
		func(r Result) []float64 { return []float64{r.Instructions} },
		func(r Result) string { return strconv.FormatFloat(r.Instructions, 'f', 0, 64) },
		func(g goal) (float64, string) { return g.instructions, "" },
	}
)

// counted returns the times of the rounds, 0 for a round that does not count.
func counted(r Result) (list []float64) {
	for _, t := range r.Rounds {
		if t.Busy {
			t.Nanoseconds = 0
		}
		list = append(list, t.Nanoseconds)
	}
	return list
}

func timeCell(r Result) string {
	switch {
	case r.Nanoseconds == 0:
		return "failed"
	case r.Form == Bytes:
		return significant(r.Nanoseconds) + " B"
	case r.Form == Clock:
		return nanoseconds(r.Nanoseconds)
	case r.Form == PerSecond:
		return fmt.Sprintf("%s/s (%s)", significant(1e9/r.Nanoseconds), nanoseconds(r.Processor))
	}
	return fmt.Sprintf("%s (%s)", nanoseconds(r.Nanoseconds), strconv.FormatFloat(r.Allocations, 'f', -1, 64))
}

// row is a row of a table.
type row struct {
	name  string
	cells map[string]Result // by peer
	// peer is the one that the first is compared with: the goal's, or the fastest. It is "" if there is none.
	peer  string
	named bool // by the goal
	// ratio is the median of the rounds' ratios, and low and high are the quartiles.
	ratio, low, high float64
	rounds           int
	busy, failed     int // rounds that do not count
}

// measured reports whether at least half of the rounds count.
func (r row) measured() bool { return r.rounds > 0 && 2*(r.busy+r.failed) <= r.rounds }

// rows returns the rows in the order in which their cases come.
func (u Unit) rows(results []Result, goals map[string]goal) (list []row) {
	for _, r := range results {
		i := slices.IndexFunc(list, func(have row) bool { return have.name == r.Case })
		if i < 0 {
			i = len(list)
			list = append(list, row{name: r.Case, cells: map[string]Result{}})
		}
		list[i].cells[r.Peer] = r
	}
	for i := range list {
		r := &list[i]
		own, found := r.cells[results[0].Peer]
		if !found {
			continue
		}
		if g, peer := u.goal(goals[r.name]); g > 0 && peer != "" {
			_, r.named = r.cells[peer]
			if r.named {
				r.peer = peer
			}
		}
		least := math.Inf(1)
		for _, other := range results { // in their order, so that the choice among equals is the same each time
			// "zeug, nothing in memory" is not a peer of "zeug".
			if r.named || other.Case != r.name || other.Peer == LastRelease || strings.HasPrefix(other.Peer+", ", own.Peer+", ") {
				continue
			}
			if v := u.value(other); v > 0 && v < least {
				r.peer, least = other.Peer, v
			}
		}
		if r.peer != "" {
			u.compare(r, own, r.cells[r.peer])
		}
	}
	return list
}

// compare sets the ratio of two results.
func (u Unit) compare(r *row, own, other Result) {
	a, b := u.rounds(own), u.rounds(other)
	r.rounds = min(len(a), len(b))
	var ratios []float64
	for i := range r.rounds {
		switch {
		case a[i] > 0 && b[i] > 0:
			ratios = append(ratios, a[i]/b[i])
		case u.name == Time.name && (own.Rounds[i].Busy || other.Rounds[i].Busy):
			r.busy++
		default:
			r.failed++
		}
	}
	r.ratio = median(ratios)
	if last := float64(len(ratios) - 1); last >= 0 {
		r.low, r.high = ratios[int(math.Round(last/4))], ratios[int(math.Round(last*3/4))]
	}
}

// ratioCell returns the ratio with its quartiles, for example "0.97 (0.95–0.98) of nginx, busy 2/15".
func (r row) ratioCell() string {
	switch {
	case r.peer == "":
		return "–"
	case !r.measured() && r.busy >= r.failed:
		return "busy"
	case !r.measured():
		return "failed"
	}
	cell := fmt.Sprintf("%.2f", r.ratio)
	if r.rounds > 1 {
		cell += fmt.Sprintf(" (%.2f–%.2f)", r.low, r.high)
	}
	if r.named {
		cell += " of " + r.peer
	}
	if r.busy > 0 {
		cell += fmt.Sprintf(", busy %d/%d", r.busy, r.rounds)
	}
	if r.failed > 0 {
		cell += fmt.Sprintf(", failed %d/%d", r.failed, r.rounds)
	}
	return cell
}

// Table writes the results as a Markdown table: one row for each case and one column for each peer,
// in the order in which they come. The last column is the value of the first peer divided by that of
// the peer that goals.txt names for the row, or else of the fastest one. Table returns a line for
// each row whose ratio is more than a tenth above its goal in goals.txt, or could not be measured.
func (u Unit) Table(w io.Writer, results []Result) (behind []string, err error) {
	all, err := goals(bench.Goals)
	if err != nil {
		return nil, err
	}
	var peers []string
	for _, r := range results {
		if !slices.Contains(peers, r.Peer) {
			peers = append(peers, r.Peer)
		}
	}
	rows := u.rows(results, all)
	fmt.Fprintf(w, "| | %s | ratio |\n|---|%s\n", strings.Join(peers, " | "), strings.Repeat("---|", len(peers)+1))
	for _, r := range rows {
		line := []string{r.name}
		for _, peer := range peers {
			if cell, ok := r.cells[peer]; ok {
				line = append(line, u.cell(cell))
			} else {
				line = append(line, "–")
			}
		}
		fmt.Fprintf(w, "| %s | %s |\n", strings.Join(line, " | "), r.ratioCell())
	}
	return u.behind(rows, all), nil
}

func (u Unit) behind(rows []row, goals map[string]goal) (lines []string) {
	for _, r := range rows {
		limit, peer := u.goal(goals[r.name])
		of := "the best peer"
		if peer != "" {
			of = peer
		}
		switch {
		case limit > 0 && peer != "" && !r.named:
			lines = append(lines, fmt.Sprintf("%s: the goal is a ratio to %s, which was not measured", r.name, peer))
		case r.peer == "":
		case !r.measured() && r.busy >= r.failed:
			lines = append(lines, fmt.Sprintf("%s: the machine was busy in %d of %d rounds, so the goal was not checked; run it again on a quiet machine", r.name, r.busy, r.rounds))
		case !r.measured():
			lines = append(lines, fmt.Sprintf("%s: it failed in %d of %d rounds, for the reason above", r.name, r.failed, r.rounds))
		case limit > 0 && r.ratio > tolerance*limit:
			lines = append(lines, fmt.Sprintf("%s: %.2f times the %s of %s, and the goal is %.2f", r.name, r.ratio, u.name, of, limit))
		}
	}
	return lines
}

// significant writes a number with three digits.
func significant(x float64) string {
	size := math.Pow(10, math.Floor(math.Log10(x))-2)
	return strconv.FormatFloat(math.Round(x/size)*size, 'f', max(0, -int(math.Floor(math.Log10(size)))), 64)
}

// nanoseconds writes a time with three digits and its unit.
func nanoseconds(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= 10*unit.size {
			return strconv.FormatFloat(ns/unit.size, 'f', 1, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(ns, 'f', 0, 64)
}
