// Command compare writes the tables of all areas, and fails if a row is behind its goal in
// goals.txt. With -instructions it counts the instructions of the rows that have a goal for them,
// which are the same on a busy machine; that needs valgrind.
//
//	GOWORK=off go run ./compare
//	GOWORK=off go run ./compare -instructions
//
// With -release one more column has Zeug from the last release: the program of the area is built
// from its tag, and runs by turns with this one. The column is left out where the old program
// cannot do that.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
)

// areas are the folders with a program each, and how often a subject runs while its instructions
// are counted; 0 does not count them.
var areas = []area{
	{"headers", nil, 4000},
	{"wrappers", nil, 1000},
	{"middleware", nil, 2000},
	{"templates", nil, 25},
	{"routing", nil, 8000},
	{"app", nil, 2000},
	{"gateway", nil, 0},
	{"serving", nil, 0},
	{"serving", []string{"-load"}, 0},
	{"serving", []string{"-idle", "10000"}, 0},
	{"static", nil, 0},
	{"wsgi", nil, 0},
}

type area struct {
	name      string
	arguments []string // of the program
	runs      int
}

func (a area) String() string { return strings.Join(append([]string{a.name}, a.arguments...), " ") }

func main() {
	log.SetFlags(0)
	// Linux ends the programs when the thread ends that started them.
	runtime.LockOSThread()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	instructions := flag.Bool("instructions", false, "count instructions instead of time")
	release := flag.Bool("release", false, "also show Zeug from the last release")
	only := flag.String("only", "", "the areas to compare, separated by commas; all by default")
	flag.Parse()
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	chosen := slices.DeleteFunc(slices.Clone(areas), func(a area) bool {
		return *only != "" && !slices.Contains(strings.Split(*only, ","), a.name) || *instructions && a.runs == 0
	})
	if len(chosen) == 0 {
		return fmt.Errorf("-only %s: there is no such area", *only)
	}
	released := ""
	if *release {
		released, err = lastRelease(dir)
		if err != nil {
			return err
		}
	}
	// A tool that is missing is to be known at once, rather than after a quarter of an hour.
	var missing error
	for _, a := range chosen {
		if err := build(dir, ".", a.name); err != nil {
			return err
		}
		_, err := output(ctx, dir, ".", a, "-check")
		missing = errors.Join(missing, err)
	}
	if missing != nil {
		return missing
	}
	var behind []string
	for _, a := range chosen {
		unit, results := measure.Time, timed
		if *instructions {
			unit, results = measure.Count, counted
		}
		fmt.Printf("\n%s:\n\n", a)
		list, err := both(ctx, results, a, dir, released)
		if err != nil {
			return err
		}
		lines, err := unit.Table(os.Stdout, list)
		if err != nil {
			return err
		}
		behind = append(behind, lines...)
	}
	if len(behind) > 0 {
		return fmt.Errorf("\nbehind their goals, or not measured:\n%s", strings.Join(behind, "\n"))
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

// program is where the program of an area is, which is built from a folder of benchmarks.
func program(dir, folder, name string) string {
	return filepath.Join(dir, filepath.Base(filepath.Dir(folder))+"-"+name)
}

// build builds the program of an area from a folder of benchmarks into dir.
func build(dir, folder, name string) error {
	cmd := exec.Command("go", "build", "-o", program(dir, folder, name), "./"+name)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", name, folder, err, out)
	}
	return nil
}

// A way to measure runs the program of an area that was built from a folder. peer is the only
// column, "" for all.
type way func(ctx context.Context, dir, folder string, a area, peer string, rounds int) ([]measure.Result, error)

// both runs the program of an area. With a folder of the last release, its program runs by turns
// with the other, and the results of its first column are those of the last release.
func both(ctx context.Context, run way, a area, dir, released string) ([]measure.Result, error) {
	if released == "" {
		return run(ctx, dir, ".", a, "", 15)
	}
	failed := build(dir, released, a.name)
	var all []measure.Result
	for range 3 {
		results, err := run(ctx, dir, ".", a, "", 5)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
		if failed != nil {
			continue
		}
		before, err := run(ctx, dir, released, a, results[0].Peer, 5)
		failed = err
		for _, r := range before {
			if r.Peer == results[0].Peer {
				r.Peer = measure.LastRelease
				all = append(all, r)
			}
		}
	}
	if failed != nil {
		fmt.Printf("The program of the last release cannot be compared: %v\n\n", failed)
	}
	return measure.Medians(all), nil
}

// counted counts the instructions.
func counted(_ context.Context, dir, folder string, a area, _ string, _ int) ([]measure.Result, error) {
	return measure.Instructions(program(dir, folder, a.name), a.runs)
}

// timed measures times.
func timed(ctx context.Context, dir, folder string, a area, peer string, rounds int) (results []measure.Result, err error) {
	out, err := output(ctx, dir, folder, a, "-json", "-peer", peer, "-rounds", strconv.Itoa(rounds))
	if err != nil {
		return nil, err
	}
	return read(out)
}

// read reads the lines of JSON that the program of an area prints.
func read(out string) (results []measure.Result, err error) {
	for line := range strings.Lines(out) {
		var r measure.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("it printed %q instead of a line of JSON", strings.TrimSpace(line))
		}
		results = append(results, r)
	}
	if results == nil {
		return nil, errors.New("it printed no results")
	}
	return results, nil
}

// output runs the program of an area, and returns what it printed. The program ends, with those that
// it has started, when the context ends.
func output(ctx context.Context, dir, folder string, a area, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program(dir, folder, a.name), append(slices.Clone(a.arguments), arguments...)...)
	var errs strings.Builder
	cmd.Dir, cmd.Stderr = folder, &errs
	if folder == "." && !slices.Contains(arguments, "-check") { // it says which rows fail while the others go on
		cmd.Stderr = io.MultiWriter(&errs, os.Stderr)
	}
	cmd.SysProcAttr = load.Child(syscall.SIGTERM)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", errors.New("stopped by a signal")
	}
	if err != nil {
		first, _, _ := strings.Cut(errs.String(), "\n")
		return "", fmt.Errorf("%s: %w: %s", a, err, first)
	}
	return string(out), nil
}
