package inspect_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// gettersCore builds internal/getters, and runs it.
func gettersCore(t *testing.T) (c crash, want map[string]string, types []string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are available only on Linux")
	}
	dir := t.TempDir()
	program, core := filepath.Join(dir, "getters"), filepath.Join(dir, "core")
	build := exec.Command("go", "build", "-trimpath=false", "-o", program, unoptimized, "./internal/getters")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	run := exec.Command(program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	var told struct {
		Goroutine int64
		Want      map[string]string
		Types     []string
	}
	require.NoError(t, json.Unmarshal(out, &told))
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return crash{opened, told.Goroutine}, told.Want, told.Types
}

var numberInside = regexp.MustCompile(`\((-?\d+)\)$`)

// sameGetter compares a shown value with what the program printed: the kind and the value.
func sameGetter(t *testing.T, shown inspect.Variable, want string) bool {
	t.Helper()
	kind, value, _ := strings.Cut(want, " ")
	switch kind {
	case "string":
		if text, rest, ok := strings.Cut(shown.Value, "… ("); ok { // a long string is cut
			return strings.HasSuffix(rest, ")") && strings.HasPrefix(value, strings.TrimSuffix(text, `"`))
		}
		if text, err := strconv.Unquote(shown.Value); err == nil {
			unquoted, err := strconv.Unquote(value)
			require.NoError(t, err)
			return text == unquoted
		}
		return false
	case "int", "uint":
		if d, err := time.ParseDuration(shown.Value); err == nil && shown.Type == "time.Duration" {
			return strconv.FormatInt(int64(d), 10) == value
		}
		if n, err := strconv.ParseUint(shown.Value, 0, 64); err == nil && strings.HasPrefix(shown.Value, "0x") {
			return strconv.FormatUint(n, 10) == value
		}
		if m := numberInside.FindStringSubmatch(shown.Value); m != nil { // a constant with its name
			return m[1] == value
		}
	case "float":
		a, err1 := strconv.ParseFloat(shown.Value, 64)
		b, err2 := strconv.ParseFloat(value, 64)
		return err1 == nil && err2 == nil && (a == b || a != a && b != b)
	}
	return shown.Value == value
}

// The getters of real packages return in the console what they return in the program.
func TestGettersOfRealPackages(t *testing.T) {
	c, want, types := gettersCore(t)
	frame := index(t, c, "main.frame")
	known, refused, panics := map[string]bool{}, map[string]int{}, 0
	packages := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		i, method, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(i)
		require.NoError(t, err)
		getter := types[n] + "." + method
		v, err := c.Eval(frame, fmt.Sprintf("values[%s].%s()", i, method))
		switch {
		case err != nil && want[name] == "panic":
			panics++
		case err != nil:
			refused[getter]++
			if os.Getenv("GETTERS") != "" {
				t.Logf("%s: %v", getter, err)
			}
		default:
			assert.Truef(t, sameGetter(t, v, want[name]), "%s returns %s, and is shown as %s %s", getter, want[name], v.Type, v.Value)
			known[getter] = true
			packages[strings.TrimLeft(strings.Split(types[n], ".")[0], "*")] = true
		}
	}
	t.Logf("%d getters of %d packages are known, %d are refused, %d panic", len(known), len(packages), len(refused), panics)
	require.GreaterOrEqual(t, len(known), 200)
}
