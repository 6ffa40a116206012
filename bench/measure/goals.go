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
	// ratio is the longest time that Zeug may take, as a multiple of a peer's; 0: no limit.
	ratio float64
	// peer is the peer of the ratio; "" is the fastest.
	peer string
	// allocations is how many Zeug may make; -1: no limit.
	allocations float64
	// instructions is how many Zeug may take, as a multiple of those of the peer with the fewest; 0: they
	// are not counted.
	instructions float64
}

// tolerance is how much a ratio may be above its goal: times vary by as much.
const tolerance = 1.1

// goals reads the lines of goals.txt: the row, the ratio, the allocations and the ratio of
// instructions, with "|" between them and "-" for a value without a limit. After the ratio may come
// the peer: "1.1 of nginx".
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
			if i == 0 {
				text, g.peer, _ = strings.Cut(text, " of ")
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

// Report times the chosen subjects and writes the table.
func (s Settings) Report(w io.Writer, subjects []Subject) {
	if err := s.report(w, subjects); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (s Settings) report(w io.Writer, subjects []Subject) error {
	if s.Check {
		return nil
	}
	if s.Marked > 0 {
		all, err := goals(bench.Goals)
		if err != nil {
			return err
		}
		return s.runMarked(w, s.chosen(subjects), all)
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
		_, err := Time.Table(w, results)
		return err
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
