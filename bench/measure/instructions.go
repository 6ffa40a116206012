package measure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Callgrind counts instructions, in one process for all subjects of a program. Whenever the
// program calls mark, callgrind writes its count into a new file and begins again at 0. So the
// program calls mark before and after each subject, and then prints its name:
//
//	mark  Run(2000)  mark  {"Case":"recover","Peer":"chi"}
//	mark  Run(2000)  mark  …
//
//	callgrind.1   what came before
//	callgrind.2   "totals: 978000", which is 489 for each of 2,000 runs
//	callgrind.3   the line that was printed
//	callgrind.4   …

// mark is where callgrind writes a file.
//
//go:noinline
func mark() { runtime.KeepAlive(nil) }

// runMarked runs the subjects whose instructions have a goal, each between two marks. A subject
// runs a few times before, since objects that are made once and kept must not count.
func (s Settings) runMarked(w io.Writer, subjects []Subject, goals map[string]goal) error {
	encoder := json.NewEncoder(w)
	for _, subject := range subjects {
		if goals[subject.Case].instructions == 0 {
			continue
		}
		subject.Run(s.Marked/4 + 1)
		mark()
		subject.Run(s.Marked)
		mark()
		if err := encoder.Encode(map[string]string{"Case": subject.Case, "Peer": subject.Peer}); err != nil {
			return err
		}
	}
	return nil
}

// Instructions counts the instructions of n runs of each subject whose instructions have a goal.
// The main function of program calls [Settings.Report]. The program needs its symbols, which
// "go run" removes.
func Instructions(program string, n int) ([]Result, error) {
	dir, err := os.MkdirTemp("", "instructions")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files := filepath.Join(dir, "callgrind")
	cmd := exec.Command("valgrind", "--tool=callgrind", "--dump-line=no", "--callgrind-out-file="+files,
		"--dump-before=github.com/zeugkit/zeug/bench/measure.mark", program, "-marked", strconv.Itoa(n))
	// When garbage is collected is a matter of chance. Callgrind cannot follow the signals of preemption. Valgrind says
	// that its processor has RDTSCP and does not know it; the runtime uses it when a lock is contended.
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s under valgrind: %w\n%s", program, err, errs.String())
	}
	var results []Result
	for line := range strings.Lines(string(out)) {
		r := Result{}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%s printed %q: %w", program, line, err)
		}
		total, err := totals(files + "." + strconv.Itoa(2*len(results)+2))
		if err != nil {
			return nil, err
		}
		r.Instructions = total / float64(n)
		results = append(results, r)
	}
	return results, nil
}

// totals reads the sum of a file of callgrind.
func totals(path string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("callgrind saw no mark; has the program its symbols? %w", err)
	}
	_, after, found := strings.Cut(string(text), "\ntotals: ")
	if !found {
		return 0, errors.New(path + " has no totals")
	}
	return strconv.ParseFloat(strings.TrimSpace(after), 64)
}
