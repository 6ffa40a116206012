package dump

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/secret"
)

// torn is a value whose fields are all written by three goroutines as fast as they can.
type torn struct {
	Any, Two any
	Text     string
	List     []any
	Names    []string
	Bytes    []byte
	Numbers  []int
	Pointer  *torn
	Map      map[int]any
	At       time.Time
	Err      error
	URL      *url.URL
	addr     netip.Addr
}

func (v *torn) write(stop chan struct{}, k int) {
	for i := k; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		x := &torn{Text: "inner", Bytes: make([]byte, i%300), Err: errors.New("x"), URL: &url.URL{Host: "x"}}
		switch x.Pointer = x; i % 6 {
		case 0:
			v.Any, v.Two, v.Pointer, v.Names = x, 5, x, nil
		case 1:
			v.Any, v.Two, v.Pointer, v.Names = "text", []string{"a"}, nil, []string{"a", "b", "c"}
		case 2:
			v.Any, v.Two, v.List = *x, time.Now(), make([]any, i%100)
		case 3:
			v.Any, v.Two, v.List, v.Err = []any{x, 1}, 3.5, nil, x.Err
		case 4:
			v.Any, v.Two, v.Err = map[string]any{"x": x}, nil, nil
		case 5:
			v.Any, v.Two = uint8(3), func() {}
		}
		v.Text, v.Bytes, v.Numbers = strings.Repeat("y", i%500), make([]byte, i%700), make([]int, i%70)
		v.At, v.URL, v.addr = time.Now(), x.URL, netip.IPv4Unspecified()
	}
}

const envTorn = "TEST_DUMP_TORN"

func TestMain(m *testing.M) {
	if os.Getenv(envTorn) == "" {
		os.Exit(m.Run())
	}
	dumpTorn()
	fmt.Println("alive")
}

func TestValuesThatAreWrittenToMeanwhile(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envTorn+"=yes", "GORACE=report_bugs=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "alive")
}

// dumpTorn dumps such a value again and again. It is for a process of its own. A torn value leads
// to memory of another type, and recover cannot stop the crash.
func dumpTorn() {
	stop := make(chan struct{})
	v := &torn{Map: map[int]any{1: 1}}
	for k := range 3 {
		go v.write(stop, k)
	}
	began := time.Now()
	for i := 0; i < 3000 && time.Since(began) < 5*time.Second; i++ { // half a minute under the race detector
		s := NewReader(secret.Name)
		s.Dumper(PageValues).Of(v)
	}
	close(stop)
}

// Values that other goroutines can reach are shown if a read of them cannot be torn. The other
// values are counted.
func TestWhatIsReadBehindPointers(t *testing.T) {
	v := &torn{
		Any: 1, Text: "text", List: []any{1, 2}, Names: []string{"a"}, Bytes: []byte("bytes"), Numbers: []int{7, 8},
		Pointer: &torn{Text: "inner"}, Map: map[int]any{1: 2}, At: time.Unix(0, 0).UTC(), URL: &url.URL{Host: "h"}, addr: netip.IPv4Unspecified(),
	}
	s := NewReader(secret.Name)
	shown := s.Dumper(PageValues).Of(v)
	text := shown.String()
	for _, want := range []string{
		"Any interface {} (not read)", "Two interface {} nil", `Text string "text"`, "List []interface {} [2 items, not read]",
		"Names []string [1 item, not read]", `Bytes []uint8 "bytes"`, "Numbers []int\n    0 int 7\n    1 int 8", "Pointer *dump.torn\n", `    Text string "inner"`,
		"Map map[int]interface {} map[1 entry, not read]", "At time.Time 1970-01-01 00:00:00 +0000 UTC", "URL *url.URL //h", "addr netip.Addr 0.0.0.0",
	} {
		require.Contains(t, text, want)
	}
	require.True(t, shown.unread())
	// The value of a panic is a copy, so no other goroutine changes its own words.
	text = s.Dumper(PageValues).Of(struct {
		Names []string
		Any   any
		Err   error
	}{[]string{"a"}, 5, &url.Error{Op: "get", URL: "/", Err: os.ErrExist}}).String()
	for _, want := range []string{`0 string "a"`, "Any int 5", "Err *url.Error get \"/\": file already exists"} {
		require.Contains(t, text, want)
	}
	owned := Owned(v, secret.Name)
	require.False(t, owned.unread())
	require.Contains(t, owned.String(), "Names []string\n    0 string \"a\"")
}
