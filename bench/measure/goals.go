package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/zeugkit/zeug/bench"
)

// goal is the limit for one row.
type goal struct {
	// ratio is the longest time that Zeug may take, as a multiple of the fastest peer's; 0: no
	// limit.
	ratio float64
	// allocations is how many Zeug may make; -1: no limit.
	allocations float64
	// instructions is how many Zeug may take, as a multiple of those of the peer with the fewest; 0: they
	// are not counted.
	instructions float64
}

// tolerance is how much a ratio may be above its goal: times vary by as much.
const tolerance = 1.1

// goals reads the lines of goals.txt: the row, the ratio, the allocations and the ratio of
// instructions, with "|" between them and "-" for a value without a limit.
func goals(text string) (map[string]goal, error) {
	all := map[string]goal{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 4 {
			return nil, fmt.Errorf("goals: write a row, a ratio, allocations and a ratio of instructions in %q", line)
		}
		g := goal{allocations: -1}
		for i, to := range []*float64{&g.ratio, &g.allocations, &g.instructions} {
			text := strings.TrimSpace(parts[1+i])
			if text == "-" {
				continue
			}
			var err error
			if *to, err = strconv.ParseFloat(text, 64); err != nil {
				return nil, fmt.Errorf("goals: %q: %w", line, err)
			}
		}
		name := strings.TrimSpace(parts[0])
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("goals: the row %q comes twice", name)
		}
		all[name] = g
	}
	return all, nil
}

// A Unit is what a table shows, and a goal bounds.
type Unit struct {
	name  string
	value func(Result) float64
	cell  func(Result) string
	goal  func(goal) float64
}

// The units of results.
var (
	Time = Unit{
		"time", func(r Result) float64 { return r.Nanoseconds },
		func(r Result) string {
			return fmt.Sprintf("%s (%s)", nanoseconds(r.Nanoseconds), strconv.FormatFloat(r.Allocations, 'f', -1, 64))
		}, func(g goal) float64 { return g.ratio },
	}
	Count = Unit{
		"instructions", func(r Result) float64 { return r.Instructions },
		func(r Result) string { return strconv.FormatFloat(r.Instructions, 'f', 0, 64) }, func(g goal) float64 { return g.instructions },
	}
)

// Behind returns a line for each row whose ratio is more than a tenth above its goal in goals.txt.
func (u Unit) Behind(results []Result) ([]string, error) {
	all, err := goals(bench.Goals)
	return u.behind(results, all), err
}

func (u Unit) behind(results []Result, goals map[string]goal) (lines []string) {
	for _, r := range u.rows(results) {
		if g := u.goal(goals[r.name]); g > 0 && r.ratio > tolerance*g {
			lines = append(lines, fmt.Sprintf("%s: %.2f times the %s of the best peer, and the goal is %.2f", r.name, r.ratio, u.name, g))
		}
	}
	return lines
}

// Report times the subjects and writes the table.
func (s Settings) Report(w io.Writer, subjects []Subject) {
	if err := s.report(w, subjects); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (s Settings) report(w io.Writer, subjects []Subject) error {
	if s.Marked > 0 {
		all, err := goals(bench.Goals)
		if err != nil {
			return err
		}
		return s.runMarked(w, subjects, all)
	}
	results := s.Run(subjects)
	switch {
	case len(results) == 0:
	case s.JSON:
		encoder := json.NewEncoder(w)
		for _, r := range results {
			if err := encoder.Encode(r); err != nil {
				return err
			}
		}
	default:
		Time.Table(w, results)
	}
	return nil
}

// Bench runs the subjects as benchmarks of package testing, and holds Zeug's
// allocations to their goals. The race detector changes the number of allocations, so no test
// checks them.
func Bench(b *testing.B, subjects []Subject) {
	all, err := goals(bench.Goals)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range subjects {
		b.Run(s.Case+"/"+s.Peer, func(b *testing.B) {
			if g, ok := all[s.Case]; ok && g.allocations >= 0 && s.Peer == subjects[0].Peer {
				s.Run(10) // objects that are kept between requests
				if n := testing.AllocsPerRun(50, func() { s.Run(1) }); n > g.allocations {
					b.Errorf("%v allocations, and the goal is %v", n, g.allocations)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			s.Run(b.N)
		})
	}
}
