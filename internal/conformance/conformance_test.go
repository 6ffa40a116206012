// Package conformance compares Zeug with Werkzeug. Its data are vectors of
// inputs and Werkzeug's results, which the public API must reproduce.
//
// Each area has a file (headers_test.go, routing_test.go, …) that adds its
// operations to the table below. Cases and operations that differ on purpose
// are in testdata/conformance-differences.json with the reason, and those that
// are not built yet in testdata/conformance-pending.json. An entry of either
// file that no longer fails is itself a failure.
package conformance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operation runs one case. It returns an error that says how the result differs
// from the expected one.
type operation func(in, want json.RawMessage) error

// operations is the table of all operations, by name.
var operations = map[string]operation{}

// answers makes an operation from a function. Its result must equal the
// expected one as JSON.
func answers[In any](f func(In) any) operation {
	return func(in, want json.RawMessage) error {
		var input In
		if err := json.Unmarshal(in, &input); err != nil {
			return fmt.Errorf("read input: %w", err)
		}
		return same(f(input), want)
	}
}

// same compares a result with the expected one, both as JSON.
func same(answer any, want json.RawMessage) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	if err := json.Unmarshal(want, &b); err != nil {
		return err
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Errorf("answered %s\n   want %s", text, want)
	}
	return nil
}

type vectors struct {
	Source string
	Cases  []vector
}

type vector struct {
	ID   string          `json:"id"`
	Op   string          `json:"op"`
	In   json.RawMessage `json:"in"`
	Want json.RawMessage `json:"want"`
}

func TestConformance(t *testing.T) {
	dir := os.Getenv("CONFORMANCE_DIR")
	own := dir == ""
	if own {
		dir = filepath.Join("testdata", "conformance")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no vectors in %s", dir)
	differences := reasons(t, "conformance-differences.json")
	pending := reasons(t, "conformance-pending.json")
	excused := map[string]bool{} // entries that excused a failing case

	var summary []string
	for _, file := range files {
		area := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(area, func(t *testing.T) {
			passed, total, differ := 0, 0, 0
			for _, v := range read(t, file).Cases {
				total++
				err := run(v)
				if err == nil {
					passed++
					continue
				}
				if entry := named(differences, v); entry != "" {
					excused[entry] = true
					differ++
					continue
				}
				if entry := named(pending, v); entry != "" {
					excused[entry] = true
					continue
				}
				t.Errorf("%s %s: %v\n  input %s", v.Op, v.ID, err, v.In)
			}
			summary = append(summary, fmt.Sprintf("%-22s %d/%d  (%d)", area, passed, total, differ))
		})
	}
	t.Logf("area  passed/total  (differences)\n%s", strings.Join(summary, "\n"))
	if !own {
		return
	}
	for _, entries := range []map[string]string{differences, pending} {
		for entry := range entries {
			if !excused[entry] {
				t.Errorf("%q excuses nothing any more: remove it", entry)
			}
		}
	}
}

func run(v vector) (err error) {
	op, ok := operations[v.Op]
	if !ok {
		return fmt.Errorf("no such operation")
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panicked: %v", p)
		}
	}()
	return op(v.In, v.Want)
}

// named returns the entry that excuses a case: its id, its operation, or an
// operation and a part of the input, as in `op {"method":"HEAD"}`.
func named(entries map[string]string, v vector) string {
	for _, name := range []string{v.ID, v.Op} {
		if _, ok := entries[name]; ok {
			return name
		}
	}
	for name := range entries {
		part, ok := strings.CutPrefix(name, v.Op+" ")
		if ok && contains(v.In, json.RawMessage(part)) {
			return name
		}
	}
	return ""
}

// contains reports whether the input has everything that part has, at any
// depth.
func contains(input, part json.RawMessage) bool {
	var want map[string]json.RawMessage
	if json.Unmarshal(part, &want) != nil {
		return same(input, part) == nil
	}
	var have map[string]json.RawMessage
	if json.Unmarshal(input, &have) != nil {
		return false
	}
	for key, value := range want {
		if !contains(have[key], value) {
			return false
		}
	}
	return true
}

func read(t *testing.T, file string) vectors {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(text, &v), file)
	return v
}

func reasons(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	var entries map[string]string
	require.NoError(t, json.Unmarshal(text, &entries), name)
	for entry, reason := range entries {
		require.NotEmpty(t, reason, "%s: %q needs a reason", name, entry)
	}
	return entries
}

// register adds operations to the table; it panics if two files add the same
// one.
func register(ops map[string]operation) struct{} {
	for name, op := range ops {
		if _, twice := operations[name]; twice {
			panic("operation registered twice: " + name)
		}
		operations[name] = op
	}
	return struct{}{}
}

func TestEveryOperationHasVectors(t *testing.T) {
	seen := map[string]bool{}
	files, err := filepath.Glob(filepath.Join("testdata", "conformance", "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		for _, v := range read(t, file).Cases {
			seen[v.Op] = true
		}
	}
	var without []string
	for name := range operations {
		if !seen[name] {
			without = append(without, name)
		}
	}
	slices.Sort(without)
	t.Logf("operations known without a vector of our own: %v", without)
}
