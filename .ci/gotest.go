// Command gotest runs go test with the arguments that it gets and prints what a
// person reads of it: a line for each package and the output of what failed. It
// fails as go test does, and if a test was skipped that the file skips beside it does
// not list, so that a missing program cannot switch a test off.
//
//	go build -o /tmp/gotest .ci/gotest.go
//	/tmp/gotest -skips .ci/skips -race ./...
//
// The file has a line for each skip that is in order: the test's full name, or the
// beginning of it and a star, and the reason. A listed test may also run: other machines skip it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
)

// event is a line of go test -json. The go command describes it in "go doc test2json".
type event struct {
	Action, Package, Test, Output, ImportPath string
	FailedBuild                               string
}

// skip is a test that was skipped, by its full name: package, dot, test.
type skip struct{ test, reason string }

// report is what was seen of the run so far.
type report struct {
	out   io.Writer
	tests map[string][]string // the output of each test that runs, and of each package
	skips []skip
}

func main() {
	if len(os.Args) < 4 || os.Args[1] != "-skips" {
		fmt.Fprintln(os.Stderr, "usage: gotest -skips FILE ARGUMENTS OF GO TEST")
		os.Exit(2)
	}
	allowed, err := readSkips(os.Args[2])
	if err == nil {
		err = run(os.Args[3:], allowed)
	}
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func run(args []string, allowed []skip) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	r := &report{out: os.Stdout, tests: map[string][]string{}}
	readErr := r.read(lines)
	waitErr := cmd.Wait()
	return errors.Join(readErr, waitErr, r.unexpected(allowed))
}

func (r *report) read(lines io.Reader) error {
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprint(r.out, string(line)) // what the go command says itself
			} else {
				r.event(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the output of go test: %w", err)
		}
	}
}

func (r *report) event(e event) {
	name := e.Package + "." + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.tests[name] = append(r.tests[name], e.Output)
	case "skip":
		if e.Test != "" {
			r.skips = append(r.skips, skip{name, reason(r.tests[name])})
		}
		r.end(e, false)
	case "pass":
		r.end(e, false)
	case "fail":
		r.end(e, true)
	}
}

// end forgets what a test wrote, and prints it if the test failed. The end of a
// package prints the package's line. A package that fails also prints the output of
// the tests that it did not finish.
func (r *report) end(e event, failed bool) {
	name := e.Package + "." + e.Test
	if e.Test != "" {
		if failed {
			r.print(name)
		}
		delete(r.tests, name)
		return
	}
	if failed {
		var running []string
		for test := range r.tests {
			if strings.HasPrefix(test, name) && test != name {
				running = append(running, test)
			}
		}
		sort.Strings(running)
		for _, test := range running {
			r.print(test)
			delete(r.tests, test)
		}
		r.print(name)
	} else if lines := r.tests[name]; len(lines) > 0 {
		fmt.Fprint(r.out, lines[len(lines)-1])
	}
	delete(r.tests, name)
}

func (r *report) print(name string) {
	for _, line := range r.tests[name] {
		fmt.Fprint(r.out, line)
	}
}

// reason is what a skipped test said, without the lines of the testing package.
func reason(lines []string) string {
	var said []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

// unexpected is an error that lists the skips without a line in the file.
func (r *report) unexpected(allowed []skip) error {
	var errs []error
	for _, s := range r.skips {
		if !s.in(allowed) {
			errs = append(errs, fmt.Errorf("%s was skipped, and no line of the list allows it: %s", s.test, s.reason))
		}
	}
	return errors.Join(errs...)
}

func (s skip) in(allowed []skip) bool {
	for _, a := range allowed {
		if prefix, ok := strings.CutSuffix(a.test, "*"); ok && strings.HasPrefix(s.test, prefix) || s.test == a.test {
			return true
		}
	}
	return false
}

func readSkips(path string) (skips []skip, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for number, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		test, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s, line %d: say after %s why it may be skipped", path, number+1, test)
		}
		skips = append(skips, skip{test, reason})
	}
	return skips, nil
}
