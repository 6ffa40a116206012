package inspect_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"go/parser"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// toldValues is what the program internal/values prints.
type toldValues struct {
	Goroutine           int64
	Want, Printed, JSON map[string]string
}

// valuesCrash is a core of internal/values, and how its variables should be shown.
func valuesCrash(t *testing.T, flags ...string) (c crash, told toldValues) {
	t.Helper()
	program, core, told := valuesCore(t, flags...)
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return crash{opened, told.Goroutine}, told
}

func valuesCore(t *testing.T, flags ...string) (program, core string, told toldValues) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are available only on Linux")
	}
	dir := t.TempDir()
	program, core = filepath.Join(dir, "values"), filepath.Join(dir, "core")
	out, err := exec.Command("go", append(append([]string{"build", "-o", program, unoptimized}, flags...), "./internal/values")...).CombinedOutput()
	require.NoError(t, err, string(out))
	run := exec.Command(program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &told))
	return program, core, told
}

// Each value is compared with what the program itself has printed of it.
func TestValuesReadAsTheirProgramPrintsThem(t *testing.T) {
	c, told := valuesCrash(t)
	show := index(t, c, "main.show")
	list, err := c.Variables(show)
	require.NoError(t, err)
	require.Greater(t, len(told.Want), 90)
	for name, text := range told.Want {
		t.Run(name, func(t *testing.T) {
			v := variable(t, list, name)
			require.Empty(t, v.Unreadable)
			switch name {
			case "closure", "function", "method": // the line is not known to the program
				require.Contains(t, v.Value, text)
			default:
				require.Equal(t, text, v.Value, v.Type)
			}
		})
	}
	require.Regexp(t, `^main\.show\.func\d+ \(main\.go:\d+\) with name: "pen", price: 2$`, variable(t, list, "closure").Value)
	require.Regexp(t, `^main\.quote \(main\.go:\d+\)$`, variable(t, list, "function").Value)
	require.Regexp(t, `^"x{200,}"… \(1000 bytes\)$`, variable(t, list, "long").Value)
	require.Equal(t, "len 1000", variable(t, list, "long").Note)
}

func TestWhatIsInsideKnownValues(t *testing.T) {
	c, _ := valuesCrash(t)
	show := index(t, c, "main.show")
	list, err := c.Variables(show)
	require.NoError(t, err)
	inside := func(name string) (lines []string) {
		v := variable(t, list, name)
		require.NotEmpty(t, v.Expr, name)
		whole, err := c.Expand(show, v.Expr, 0)
		require.NoError(t, err)
		for _, child := range whole.Children {
			lines = append(lines, child.Name+" "+child.Type+" "+child.Value)
		}
		return lines
	}
	require.Equal(t, []string{`cart int 7`, `name default "Ann B"`, `rest path "a/b/c"`}, inside("params"))
	request := inside("req")
	require.Equal(t, `Params github.com/zeugkit/zeug/routing.Params [cart: 7, name: "Ann B", rest: "a/b/c"]`, request[0])
	require.Contains(t, request, "Method string \"GET\"")
	require.NotContains(t, strings.Join(request, "\n"), "rule")
	require.Equal(t, []string{`main.contextKey(3) interface {} (main.item) {Name: "pen", Price: 2}`, `main.userKey interface {} (string) "ann"`}, inside("valued"))
	require.Equal(t, []string{`[0] int 4`, `[1] int 5`, `[2] int 6`, `[3] int 7`, `[4] int 8`, `[5] int 9`}, inside("waiting"))
	require.Equal(t, []string{`error *fmt.wrapError "open shop: gone"`, `wraps *errors.errorString "gone"`}, inside("wrapped"))
	require.Equal(t, []string{`-1 string "minus"`, `2 string "two"`, `10 string "ten"`}, inside("numbers"))
	require.Equal(t, []string{`name string "pen"`, `price int 2`}, inside("closure"))
}

// A copy in Go compiles in the program, and has the value that was copied.
func TestCopiesAreTheValues(t *testing.T) {
	c, told := valuesCrash(t)
	show := index(t, c, "main.show")
	list, err := c.Variables(show)
	require.NoError(t, err)
	var file strings.Builder
	file.WriteString("package main\n\nfunc init() {\nif os.Args[1] != \"copies\" { return }\ncopies := map[string]any{\n")
	for name := range told.Want {
		v := variable(t, list, name)
		copied, err := c.Copy(show, v.Copy)
		require.NoError(t, err, "%s %s", name, v.Type)
		if _, ok := told.Printed[name]; ok {
			file.WriteString(strconv.Quote(name) + ": " + copied.Go + ",\n")
		}
		if want, ok := told.JSON[name]; ok {
			require.JSONEq(t, want, string(copied.JSON), name)
		}
	}
	for _, name := range []string{"pair", "long", "opaque"} {
		copied, err := c.Copy(show, variable(t, list, name).Copy)
		require.NoError(t, err, name)
		file.WriteString(strconv.Quote(name+"2") + ": " + copied.Go + ",\n")
		if name == "pair" {
			require.JSONEq(t, told.JSON[name], string(copied.JSON))
		}
	}
	file.WriteString("}\nprinted := map[string]string{}\nfor name, v := range copies { printed[name] = fmt.Sprint(v) }\nmust(json.NewEncoder(os.Stdout).Encode(printed))\nos.Exit(0)\n}\n")
	text := strings.Replace(file.String(), "package main\n", "package main\n\nimport (\n\"encoding/json\"\n\"fmt\"\n\"math\"\n\"math/big\"\n\"net\"\n\"net/http\"\n\"net/netip\"\n\"net/url\"\n\"os\"\n\"time\"\n\"database/sql\"\n\"github.com/google/uuid\"\n)\nvar _ = math.Pi\nvar _ net.IP\nvar _ *big.Int\nvar _ http.Header\nvar _ netip.Addr\nvar _ url.URL\nvar _ time.Time\nvar _ sql.NullString\nvar _ uuid.UUID\n", 1)
	dir := t.TempDir()
	source := filepath.Join(dir, "copies.go")
	require.NoError(t, os.WriteFile(source, []byte(text), 0o600))
	at, err := filepath.Abs("internal/values/copies.go")
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{at: source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	program := filepath.Join(dir, "copies")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./internal/values").CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, text)
	out, err = exec.Command(program, "copies").Output()
	require.NoError(t, err)
	var printed map[string]string
	require.NoError(t, json.Unmarshal(out, &printed))
	for name, want := range told.Printed {
		if got, ok := printed[name]; ok {
			require.Equal(t, want, got, name)
		} else {
			require.Equal(t, want, printed[name+"2"], name)
		}
	}
}

// A program's memory may hold anything. Whatever an expression is, there is an answer, without
// control characters. HOSTILE_CORES says how many cores are tried, and HOSTILE_FIRST the seed of
// the first one.
func TestHostileValues(t *testing.T) {
	program, core, told := valuesCore(t)
	whole, err := os.ReadFile(core)
	require.NoError(t, err)
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("HOSTILE_CORES")); err == nil {
		rounds = n
	}
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	show := index(t, crash{opened, told.Goroutine}, "main.show")
	list, err := opened.Variables(show)
	require.NoError(t, err)
	require.NoError(t, opened.Close())
	starts := places(t, core, list)
	hostile := []uint64{0, 1, 2, 3, math.MaxUint64, math.MaxInt64, 1 << 20, 1 << 32, 0xc000000000, 0x1b5b1b5b1b5b1b5b, 0x8080808080808080}
	first, _ := strconv.Atoi(os.Getenv("HOSTILE_FIRST"))
	for seed := first; seed < first+rounds; seed++ {
		random := rand.New(rand.NewPCG(uint64(seed), 7))
		b := bytes.Clone(whole)
		for range 60 { // words of the variables, and of what is near them in memory
			at := starts[random.IntN(len(starts))] + 8*random.IntN(12)
			value := hostile[random.IntN(len(hostile))]
			switch random.IntN(4) {
			case 0:
				value = random.Uint64()
			case 1: // a pointer to something else
				value = binary.LittleEndian.Uint64(b[starts[random.IntN(len(starts))]:])
			}
			if at+8 <= len(b) {
				binary.LittleEndian.PutUint64(b[at:], value)
			}
		}
		file := filepath.Join(t.TempDir(), "core")
		require.NoError(t, os.WriteFile(file, b, 0o600))
		c := inspect.Client{Command: []string{os.Args[0], "inspect-core"}, Program: program, File: file}
		answer(t, &c, show, seed)
		c.Close()
		require.NoError(t, os.Remove(file))
	}
}

// places are the offsets in a core's file of the memory of variables.
func places(t *testing.T, core string, list []inspect.Variable) (offsets []int) {
	t.Helper()
	file, err := elf.Open(core)
	require.NoError(t, err)
	defer file.Close()
	for _, v := range list {
		_, hex, _ := strings.Cut(v.Copy, ")(0x")
		addr, err := strconv.ParseUint(strings.TrimSuffix(hex, ")"), 16, 64)
		if err != nil {
			continue
		}
		for _, p := range file.Progs {
			if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr < p.Vaddr+p.Filesz {
				offsets = append(offsets, int(p.Off+addr-p.Vaddr))
			}
		}
	}
	require.Greater(t, len(offsets), 80)
	return offsets
}

// answer asks for everything that a page can ask for, and requires that no answer is lost.
func answer(t *testing.T, c *inspect.Client, at inspect.Place, seed int) {
	t.Helper()
	var list []inspect.Variable
	if err := c.Ask(inspect.Question{Ask: "variables", Place: at}, &list); err != nil {
		require.NotErrorIs(t, err, inspect.ErrNoAnswer, "seed %d", seed)
		return
	}
	for _, v := range list {
		require.Equal(t, -1, strings.IndexFunc(v.Name+v.Value+v.Note+v.Unreadable, unicode.IsControl), "seed %d: %q", seed, v.Value)
		if v.Copy == "" {
			continue
		}
		var copied inspect.Copied
		var inside inspect.Variable
		for _, err := range []error{
			c.Ask(inspect.Question{Ask: "copy", Place: at, Expr: v.Copy}, &copied),
			c.Ask(inspect.Question{Ask: "expand", Place: at, Expr: v.Copy}, &inside),
		} {
			require.NotErrorIs(t, err, inspect.ErrNoAnswer, "seed %d: %s %s", seed, v.Name, v.Type)
		}
		if copied.Go != "" {
			_, err := parser.ParseExpr(copied.Go)
			require.NoError(t, err, "seed %d: %s", seed, copied.Go)
		}
	}
}
