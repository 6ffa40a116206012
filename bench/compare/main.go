// Command compare writes the tables of all areas, and fails if a row is behind its goal in
// goals.txt. With -instructions it counts the instructions of the rows that have a goal for them,
// which are the same on a busy machine; that needs valgrind.
//
//	GOWORK=off go run ./compare
//	GOWORK=off go run ./compare -instructions
//
// With -release one more column has Zeug from the last release: the program of the area is built
// from its tag, and runs by turns with this one.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	instructions := flag.Bool("instructions", false, "count instructions instead of time")
	release := flag.Bool("release", false, "also show Zeug from the last release")
	only := flag.String("only", "", "the areas to compare, separated by commas; all by default")
	flag.Parse()
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	released := ""
	if *release {
		released, err = lastRelease(dir)
		if err != nil {
			return err
		}
	}
	var behind []string
	for _, area := range areas {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), area.name) {
			continue
		}
		program, err := build(dir, ".", area.name)
		if err != nil {
			return err
		}
		old := ""
		if released != "" {
			old, err = build(dir, released, area.name)
			if err != nil {
				return err
			}
		}
		unit, results := measure.Time, timed
		if *instructions {
			unit, results = measure.Count, func(program, _ string, _ int) ([]measure.Result, error) {
				return measure.Instructions(program, area.runs)
			}
		}
		list, err := both(results, program, old)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s:\n\n", area.name)
		unit.Table(os.Stdout, list)
		lines, err := unit.Behind(list)
		if err != nil {
			return err
		}
		behind = append(behind, lines...)
	}
	if len(behind) > 0 {
		return fmt.Errorf("\nbehind their goals:\n%s", strings.Join(behind, "\n"))
	}
	return nil
}

// lastRelease puts the last release of this branch into dir, and returns the folder of its
// benchmarks.
func lastRelease(dir string) (string, error) {
	tag, err := exec.Command("git", "describe", "--tags", "--abbrev=0", "--match", "v*").Output()
	if err != nil {
		return "", errors.New("no release to compare with: this branch has no tag v…")
	}
	archive, tree := filepath.Join(dir, "release.tar"), filepath.Join(dir, "release")
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return "", err
	}
	for _, command := range [][]string{
		{"git", "-C", strings.TrimSpace(string(top)), "archive", "-o", archive, strings.TrimSpace(string(tag))},
		{"mkdir", tree},
		{"tar", "-x", "-f", archive, "-C", tree},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return filepath.Join(tree, "bench"), nil
}

// build builds the program of an area from a folder of benchmarks into dir.
func build(dir, folder, area string) (string, error) {
	program := filepath.Join(dir, filepath.Base(filepath.Dir(folder))+"-"+area)
	cmd := exec.Command("go", "build", "-o", program, "./"+area)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w\n%s", area, folder, err, out)
	}
	return program, nil
}

// both runs program. With an old one, both run by turns, and the results of its first column are
// those of the last release.
func both(run func(program, peer string, rounds int) ([]measure.Result, error), program, old string) ([]measure.Result, error) {
	if old == "" {
		return run(program, "", 15)
	}
	var all []measure.Result
	for range 3 {
		results, err := run(program, "", 5)
		if err != nil {
			return nil, err
		}
		before, err := run(old, results[0].Peer, 5)
		if err != nil {
			return nil, fmt.Errorf("the last release: %w", err)
		}
		all = append(all, results...)
		for _, r := range before {
			if r.Peer == results[0].Peer {
				r.Peer = measure.LastRelease
				all = append(all, r)
			}
		}
	}
	return measure.Medians(all), nil
}

// timed runs the program of an area, and returns what it measured. peer is the only column, "" for all.
func timed(program, peer string, rounds int) (results []measure.Result, err error) {
	cmd := exec.Command(program, "-json", "-peer", peer, "-rounds", strconv.Itoa(rounds))
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
