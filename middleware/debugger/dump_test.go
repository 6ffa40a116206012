package debugger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/zeugkit/zeug/middleware/debugger"
)

type (
	custom   struct{ n int }
	wordless struct{ Why string }
	stuck    struct{}
	month    int
	names    []string
	base     struct{ ID int }
	employee struct {
		base
		Name    string
		Manager *employee
		salary  int
	}
	credentials struct {
		User     string
		Password string
		PIN      int
		Token    *string
		HasToken bool
		Secret   string
	}
	teller    struct{ Password string }
	pointer   *pointer
	unexposed struct {
		at    time.Time
		for_  time.Duration
		from  netip.Addr
		says  custom
		bytes []byte
		err   error
	}
)

func (c custom) String() string { return fmt.Sprintf("<custom %d>", c.n) }
func (wordless) String() string { panic("no words") }
func (stuck) String() string    { select {} }
func (m month) String() string  { return time.Month(m).String() }
func (t teller) String() string { return "the password is " + t.Password }

func dump(value any) string { return debugger.Debugger{}.Dump(value).String() }

// Go's values are shown in the way in which Werkzeug's debug_repr shows
// Python's.
func TestDumps(t *testing.T) {
	ring := &employee{base: base{1}, Name: "Ann", salary: 5}
	ring.Manager = ring
	var self []any
	self = []any{1, &self}
	loop := map[string]any{}
	loop["loop"] = loop
	var round pointer
	round = &round
	word := "hunter" + "2"
	full := make(chan int, 3)
	full <- 1
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	deep := any("bottom")
	for range 20 {
		deep = []any{deep}
	}
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"nothing":                       {nil, "nil"},
		"a text":                        {"a\n\"b\"", `string "a\n\"b\""`},
		"an empty text":                 {"", `string ""`},
		"an integer":                    {42, "int 42"},
		"a float":                       {0.1, "float64 0.1"},
		"no number":                     {math.NaN(), "float64 NaN"},
		"an infinite one":               {math.Inf(-1), "float64 -Inf"},
		"a complex one":                 {complex(1, -2), "complex128 (1-2i)"},
		"an address":                    {uintptr(255), "uintptr 0xff"},
		"a boolean":                     {true, "bool true"},
		"bytes that are text":           {[]byte("hey\n"), `[]uint8 "hey\n"`},
		"bytes that are not UTF-8":      {[]byte{0xde, 0xad, 0xbe, 0xef}, "[]uint8 0xdeadbeef"},
		"an array of bytes":             {[4]byte{1, 2, 3, 4}, "[4]uint8 0x01020304"},
		"no bytes":                      {[]byte{}, "[]uint8 0 bytes"},
		"a nil slice":                   {[]int(nil), "[]int nil"},
		"an empty slice":                {[]int{}, "[]int []"},
		"an empty map":                  {map[int]int{}, "map[int]int map[]"},
		"an empty struct":               {struct{}{}, "struct {} {}"},
		"a nil pointer":                 {(*employee)(nil), "*debugger_test.employee nil"},
		"a nil error":                   {(*fs.PathError)(nil), "*fs.PathError nil"},
		"a nil map":                     {map[string]int(nil), "map[string]int nil"},
		"a nil function":                {(func())(nil), "func() nil"},
		"a nil channel":                 {(chan int)(nil), "chan int nil"},
		"a channel":                     {full, "chan int (1 of 3 waiting)"},
		"a pointer to a number":         {ptr(7), "*int &7"},
		"a pointer to one to a number":  {ptr(ptr(7)), "**int &&7"},
		"a pointer to nothing":          {ptr(any(nil)), "*interface {} &nil"},
		"a pointer to itself":           {round, "debugger_test.pointer … (it holds itself)"},
		"a list":                        {names{"a", "b"}, "debugger_test.names\n  0 string \"a\"\n  1 string \"b\""},
		"a method String":               {custom{42}, "debugger_test.custom <custom 42>\n  n int 42"},
		"a number with a method":        {month(11), "debugger_test.month November (11)"},
		"a method that panics":          {wordless{"x"}, "debugger_test.wordless (its String method panicked: no words)\n  Why string \"x\""},
		"an error":                      {errors.New("lost"), "*errors.errorString lost"},
		"an error with fields":          {&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrExist}, "*fs.PathError open /x: file already exists\n  Op string \"open\"\n  Path string \"/x\"\n  Err *errors.errorString file already exists"},
		"a regular expression":          {regexp.MustCompile("^a+$"), "*regexp.Regexp ^a+$"},
		"a big number":                  {big.NewInt(12), "*big.Int 12"},
		"an address of a network":       {net.IPv4(192, 0, 2, 1), "net.IP 192.0.2.1\n"},
		"a time":                        {at, "time.Time 2026-02-03 04:05:06 +0000 UTC"},
		"a pointer to a time":           {&at, "*time.Time &2026-02-03 04:05:06 +0000 UTC"},
		"a duration":                    {90 * time.Second, "time.Duration 1m30s"},
		"a weekday":                     {time.Monday, "time.Weekday Monday"},
		"a URL without its password":    {must(url.Parse("http://a:" + word + "@h/p")), "*url.URL http://a:xxxxx@h/p"},
		"fields nobody may call":        {unexposed{at, time.Hour, netip.MustParseAddr("::1"), custom{1}, []byte("b"), untold{}}, "debugger_test.unexposed\n  at time.Time 2026-02-03 04:05:06 +0000 UTC\n  for_ time.Duration 1h0m0s\n  from netip.Addr ::1\n  says debugger_test.custom\n    n int 1\n  bytes []uint8 \"b\"\n  err debugger_test.untold {}"},
		"an embedded struct and a ring": {ring, "*debugger_test.employee\n  base debugger_test.base (embedded)\n    ID int 1\n  Name string \"Ann\"\n  Manager *debugger_test.employee … (it holds itself)\n  salary int 5"},
		"a list that holds itself":      {self, "0 int 1\n  1 *[]interface {} "},
		"a map that holds itself":       {loop, "map[string]interface {}\n  \"loop\" map[string]interface {} … (it holds itself)"},
		"a map by its keys":             {map[any]int{"b": 1, "a": 2, 10: 3, 9: 4}, "map[interface {}]int\n  9 int 4\n  10 int 3\n  \"a\" int 2\n  \"b\" int 1"},
		"a map of no numbers":           {map[float64]int{math.NaN(): 1, 1: 2}, "map[float64]int\n  NaN int 1\n  1 int 2"},
		"a map by structs":              {map[base]bool{{2}: true, {1}: false}, "map[debugger_test.base]bool\n  {ID:1} bool false\n  {ID:2} bool true"},
		"secrets by the name of a field": {credentials{"ann", word, 1234, &word, true, ""},
			"debugger_test.credentials\n  User string \"ann\"\n  Password string ••••••••\n  PIN int ••••••••\n  Token *string ••••••••\n  HasToken bool true\n  Secret string \"\""},
		"secrets by the key of a map":      {map[string]any{"password": word, "name": "ann"}, "  \"name\" string \"ann\"\n  \"password\" interface {} ••••••••"},
		"cookies of a header":              {http.Header{"Cookie": {word}, "Accept": {"*/*"}}, "  \"Cookie\" []string ••••••••"},
		"a method that would tell secrets": {teller{word}, "debugger_test.teller\n  Password string ••••••••"},
		"and one further out":              {[]any{struct{ T *teller }{&teller{word}}}, "Password string ••••••••"},
		"what is deep":                     {deep, "[]interface {} …"},
		"a long text":                      {strings.Repeat("x", 300), "… (300 bytes)\n  | xxx"},
		"more than a list shows":           {make([]int, 1000), "  63 int 0\n  … 936 more"},
		"a huge map":                       {manyKeys(10_000), "… 9936 more"},
		"more than anybody reads":          {wide(3), "more\n"},
		"a context":                        {must(http.NewRequest("GET", "/", nil)).Context(), "context.backgroundCtx {}"},
		"a function":                       {TestDumps, "func(*testing.T) github.com/zeugkit/zeug/middleware/debugger_test.TestDumps ("},
	} {
		t.Run(name, func(t *testing.T) {
			text := dump(c.value)
			require.Contains(t, text, c.want)
			require.NotContains(t, text, word)
			require.NotContains(t, string(debugger.Debugger{}.Dump(c.value).HTML()), word)
			require.Less(t, len(text), 300<<10)
		})
	}
	t.Run("names of the application's own secrets", func(t *testing.T) {
		d := debugger.Debugger{Secret: func(name string) bool { return name == "Name" }}
		require.Contains(t, d.Dump(employee{Name: "Ann"}).String(), "Name string ••••••••")
	})
	t.Run("methods that do not return are waited for once", func(t *testing.T) {
		began := time.Now()
		text := dump(make([]stuck, 50))
		require.Less(t, time.Since(began), 5*time.Second)
		require.Contains(t, text, "did not return within 500ms")
		require.Contains(t, text, "an earlier method did not return")
	})
	t.Run("a dump does not change with the value", func(t *testing.T) {
		b := []byte("before")
		v := debugger.Debugger{}.Dump(&b)
		copy(b, "after!")
		require.Contains(t, v.String(), "before")
	})
}

type untold struct{}

func (untold) Error() string { panic("called") }

func ptr[T any](v T) *T { return &v }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func manyKeys(n int) map[int]int {
	m := map[int]int{}
	for i := range n {
		m[i] = i
	}
	return m
}

func wide(levels int) any {
	if levels == 0 {
		return "leaf"
	}
	list := make([]any, 60)
	for i := range list {
		list[i] = wide(levels - 1)
	}
	return list
}

// Values can be opened without a script, and the values that are left out are
// counted.
func TestDumpsAsHTML(t *testing.T) {
	page := string(debugger.Debugger{}.Dump(struct{ List []int }{make([]int, 100)}).HTML())
	require.True(t, strings.HasPrefix(page, `<div class="dump"><details open><summary><i>struct`), page)
	require.Contains(t, page, "<b>List</b> <i>[]int</i> <code>[0 0 0 0 0 0 0 0 … (92 more)]</code>")
	require.Contains(t, page, "<details><summary>92 more</summary>")
	require.Contains(t, page, "36 more are not shown")
	require.NotContains(t, string(debugger.Debugger{}.Dump(7).HTML()), "details")
}

// FuzzDumps: no string makes an element, or a character that a terminal would obey.
func FuzzDumps(f *testing.F) {
	for _, text := range []string{"", "plain", "<script>alert(1)</script>", "</details></ul></div><b onclick=x>", "\x1b[2J", "\u202e", "\xff\xfe", "a\x00b", "\U000e0041", strings.Repeat("<i>", 500)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := debugger.Debugger{}.Dump(map[string]any{text: text, "bytes": []byte(text), "error": errors.New(text), "keys": map[any]int{hostile{text}: 1}, "in": hostile{text}})
		plain, markup := value.String(), string(value.HTML())
		for _, form := range []string{plain, markup} {
			require.True(t, utf8.ValidString(form))
			require.Negative(t, strings.IndexFunc(form, func(c rune) bool {
				return c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || c == '\u2028' || c == '\u2029')
			}))
		}
		elements(t, markup, func(n *html.Node) {
			require.Contains(t, []string{"html", "head", "body", "div", "details", "summary", "ul", "li", "b", "i", "code", "pre"}, n.Data)
			for _, a := range n.Attr {
				require.Contains(t, []string{"class", "open"}, a.Key)
			}
		})
	})
}

// lateDelivery is an error with more fields than its message shows.
type lateDelivery struct {
	Order  int
	Buyer  *employee
	Notes  map[string]string
	secret string
	Err    error
	stack  []uintptr
}

func (*lateDelivery) Error() string   { return "late" }
func (e *lateDelivery) Unwrap() error { return e.Err }

func TestWhatErrorsHold(t *testing.T) {
	err := fmt.Errorf("deliver: %w", &lateDelivery{7, &employee{Name: "Ann"}, map[string]string{"a": "b"}, "hunter" + "2", &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrExist}, []uintptr{1}})
	rep := report(t, answers(err), local("GET", "/"))
	require.Nil(t, rep.Causes[0].Fields, "the message tells all")
	late := rep.Causes[1].Fields
	var fields []string
	for _, f := range late.Inside {
		fields = append(fields, f.Name)
	}
	require.Equal(t, []string{"Order", "Buyer", "Notes", "secret"}, fields, "what it wraps and its stack are shown by themselves")
	require.Equal(t, "map[1 entry, not read]", late.Inside[2].Text)
	path := rep.Causes[2].Fields
	require.Len(t, path.Inside, 2)
	require.Nil(t, rep.Causes[3].Fields)

	w, out := serve(t, answers(err), local("GET", "/"))
	require.Contains(t, w.Body.String(), `<summary>holds <code>&amp;{Order:7 Buyer:&amp;{`)
	require.Contains(t, w.Body.String(), "Maps are not read")
	require.Contains(t, out, `with &{Op:"open" Path:"/x"}`)
	require.NotContains(t, w.Body.String()+out, "hunter"+"2")
}

func TestWhatPanicsHold(t *testing.T) {
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"a struct":                          {credentials{User: "ann", Password: "hunter" + "2"}, "<b>User</b> <i>string</i> <code>&#34;ann&#34;</code>"},
		"a struct that would tell a secret": {teller{"hunter" + "2"}, "{Password:••••••••}"},
		"a struct that speaks":              {custom{5}, "<b>n</b> <i>int</i> <code>5</code>"},
		"a list":                            {names{"a", "b"}, "<b>1</b> <i>string</i>"},
	} {
		t.Run(name, func(t *testing.T) {
			w, out := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(c.value) }), local("GET", "/"))
			require.Contains(t, w.Body.String(), `<h2 id="value">`)
			require.Contains(t, w.Body.String(), c.want)
			require.NotContains(t, w.Body.String()+out, "hunter"+"2")
		})
	}
	for name, value := range map[string]any{"a text": "x", "a number": 7, "an error": errors.New("x"), "a nil pointer": (*employee)(nil)} {
		t.Run("no more than its message: "+name, func(t *testing.T) {
			w, _ := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }), local("GET", "/"))
			require.NotContains(t, w.Body.String(), `<h2 id="value">`)
		})
	}
}

// envMutated makes the test's own executable fail with a value that another
// goroutine changes. If its maps were read, that would end the process; in the
// test's own process it would end all tests.
const envMutated = "DEBUGGER_TEST_MUTATED"

type mutated struct {
	Map   map[int]map[int]string
	Inner *struct {
		Map   map[string]any
		Any   any
		Text  string
		Slice []string
	}
	error
}

func (mutated) Error() string { return "mutated" }

// failMutated fails while another goroutine writes to its value.
func failMutated() {
	value := mutated{Map: map[int]map[int]string{}, Inner: &struct {
		Map   map[string]any
		Any   any
		Text  string
		Slice []string
	}{Map: map[string]any{}}}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			value.Map[i%1000] = map[int]string{i: "x"}
			value.Inner.Map[fmt.Sprint(i%1000)] = i
			delete(value.Inner.Map, fmt.Sprint((i+500)%1000))
			if value.Inner.Text = strings.Repeat("x", i%100); i%2 == 0 {
				value.Inner.Any, value.Inner.Slice = "text", []string{"a", "b", "c"}
			} else {
				value.Inner.Any, value.Inner.Slice = i, nil
			}
		}
	})
	type plain mutated
	var out bytes.Buffer
	for range 10 {
		for _, h := range []http.HandlerFunc{
			func(http.ResponseWriter, *http.Request) { panic(value) },
			func(http.ResponseWriter, *http.Request) {
				panic(struct {
					V plain
					M map[int]map[int]string
				}{plain(value), value.Map})
			},
			func(http.ResponseWriter, *http.Request) { panic(value.Map) },
		} {
			out.Reset()
			debugger.Debugger{Output: &out}.Wrap(h).ServeHTTP(httptest.NewRecorder(), local("GET", "/"))
		}
	}
	close(stop)
	writing.Wait()
}

func TestMain(m *testing.M) {
	if os.Getenv(envMutated) == "" {
		os.Exit(m.Run())
	}
	failMutated()
	fmt.Println("alive")
}

func TestValuesThatAreWrittenToMeanwhile(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envMutated+"=pages", "GORACE=report_bugs=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "alive")
}

func ExampleDebugger_Dump() {
	type user struct {
		Name     string
		Password string
		Tags     []string
	}
	value := debugger.Debugger{}.Dump(user{"Ann", "open sesame", []string{"vip"}})
	fmt.Print(value)                  // for a log
	_ = value.HTML()                  // for a page
	fmt.Println(value.Inside[0].Text) // or piece by piece
	// Output:
	// debugger_test.user
	//   Name string "Ann"
	//   Password string ••••••••
	//   Tags []string
	//     0 string "vip"
	// "Ann"
}
