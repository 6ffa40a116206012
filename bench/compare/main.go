// Command compare writes the tables of all areas, and fails if a row is behind its goal in
// goals.txt. With -instructions it counts the instructions of the rows that have a goal for them,
// which are the same on a busy machine; that needs valgrind.
//
//	GOWORK=off go run ./compare
//	GOWORK=off go run ./compare -instructions
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/bench/measure"
)

// areas are the folders with a program each, and how often a subject runs while its instructions
// are counted.
var areas = []struct {
	name string
	runs int
}{{"headers", 4000}, {"wrappers", 1000}, {"middleware", 2000}, {"templates", 25}, {"routing", 8000}, {"app", 2000}}

func main() {
	log.SetFlags(0)
	instructions := flag.Bool("instructions", false, "count instructions instead of time")
	only := flag.String("only", "", "the areas to compare, separated by commas; all by default")
	flag.Parse()
	dir, err := os.MkdirTemp("", "compare")
	check(err)
	defer os.RemoveAll(dir)
	var behind []string
	for _, area := range areas {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), area.name) {
			continue
		}
		program := filepath.Join(dir, area.name)
		build := exec.Command("go", "build", "-o", program, "./"+area.name)
		build.Stderr = os.Stderr
		check(build.Run())
		var results []measure.Result
		unit := measure.Time
		if *instructions {
			unit = measure.Count
			results, err = measure.Instructions(program, area.runs)
		} else {
			results, err = timed(program)
		}
		check(err)
		fmt.Printf("\n%s:\n\n", area.name)
		unit.Table(os.Stdout, results)
		lines, err := unit.Behind(results)
		check(err)
		behind = append(behind, lines...)
	}
	if len(behind) > 0 {
		os.RemoveAll(dir)
		log.Fatalf("\nbehind their goals:\n%s", strings.Join(behind, "\n"))
	}
}

// timed runs the program of an area, and returns what it measured.
func timed(program string, arguments ...string) (results []measure.Result, err error) {
	cmd := exec.Command(program, append([]string{"-json"}, arguments...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	for line := range strings.Lines(string(out)) {
		var r measure.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%s printed %q: %w", program, line, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
