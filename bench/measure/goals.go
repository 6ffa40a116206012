package measure

import (
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
}

// tolerance is how much a ratio may be above its goal: times vary by as much.
const tolerance = 1.1

// goals reads the lines of goals.txt: the row, the ratio and the allocations, with "|" between
// them and "-" for a value without a limit.
func goals(text string) (map[string]goal, error) {
	all := map[string]goal{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 3 {
			return nil, fmt.Errorf("goals: write a row, a ratio and allocations in %q", line)
		}
		g := goal{allocations: -1}
		for i, to := range []*float64{&g.ratio, &g.allocations} {
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

// behind returns a line for each row whose ratio is more than a tenth above its goal.
func behind(results []Result, goals map[string]goal) (lines []string) {
	if len(results) == 0 {
		return nil
	}
	own := results[0].Peer
	for _, r := range results {
		g := goals[r.Case]
		if r.Peer != own || g.ratio == 0 {
			continue
		}
		fastest := 0.0
		for _, other := range results {
			if other.Case == r.Case && other.Peer != own && (fastest == 0 || other.Nanoseconds < fastest) {
				fastest = other.Nanoseconds
			}
		}
		if ratio := r.Nanoseconds / fastest; fastest > 0 && ratio > tolerance*g.ratio {
			lines = append(lines, fmt.Sprintf("%s: %.2f times the time of the fastest peer, and the goal is %.2f", r.Case, ratio, g.ratio))
		}
	}
	return lines
}

// Report times the subjects and writes the table. With Settings.Goals it ends the
// program with an error if a row is behind its goal.
func (s Settings) Report(w io.Writer, subjects []Subject) {
	results := s.Run(subjects)
	if len(results) == 0 {
		return
	}
	Table(w, results)
	if !s.Goals {
		return
	}
	all, err := goals(bench.Goals)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if lines := behind(results, all); len(lines) > 0 {
		fmt.Fprintln(os.Stderr, strings.Join(lines, "\n"))
		os.Exit(1)
	}
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
