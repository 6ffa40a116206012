// Command values has a variable of each type that is shown in a form of its own. It writes a core of itself, and
// prints as JSON how each variable should be shown, made by package fmt and the types' own methods.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
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
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/routing"
)

type item struct {
	Name  string
	Price int
}

type contextKey int

type userKey struct{}

type color uint8

const (
	red color = iota + 1
	green
)

type named []byte

type strange struct{ Err error }

func (s strange) Error() string { return "strange: " + s.Err.Error() }

// result is what the test reads.
type result struct {
	Goroutine int64
	Want      map[string]string
	// Printed and JSON are what fmt.Sprint and encoding/json make of some of the variables.
	Printed, JSON map[string]string
}

func main() {
	app := zeug.New(zeug.Get("/cart/<int:cart>/<name>/<path:rest>", view))
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/cart/007/Ann%20B/a/b/c?x=1", nil))
}

func view(req *zeug.Request) (*zeug.Response, error) {
	show(req, req.Params)
	return zeug.Text(""), nil
}

func quote(v any) string { return strconv.Quote(fmt.Sprint(v)) }

//lint:ignore U1000 the debugger reads them
func show(req *zeug.Request, params routing.Params) {
	want := map[string]string{}

	now := time.Now()
	want["now"] = now.Round(0).String()
	zero := time.Time{}
	want["zero"] = zero.String()
	utc := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	want["utc"] = utc.String()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	must(err)
	far := time.Date(2026, 7, 2, 3, 4, 5, 0, tokyo)
	want["far"] = far.String()
	newYork, err := time.LoadLocation("America/New_York")
	must(err)
	summer, winter := time.Date(2040, 7, 2, 3, 4, 5, 0, newYork), time.Date(1999, 1, 2, 3, 4, 5, 0, newYork)
	want["summer"], want["winter"] = summer.String(), winter.String()
	fixed := time.Date(-500, 7, 2, 3, 4, 5, 0, time.FixedZone("here", -12345))
	want["fixed"] = fixed.String()
	pointer := &utc
	want["pointer"] = utc.String()
	duration := 90*time.Minute + 5*time.Millisecond
	want["duration"] = duration.String()
	month := time.November
	want["month"] = "November (11)"

	address, err := url.Parse("https://ann:secret@example.org:8080/a%2Fb?q=1#top")
	must(err)
	want["address"] = quote(address)
	opaque := url.URL{Scheme: "mailto", Opaque: "ann@example.org"}
	want["opaque"] = quote(&opaque)
	var noURL *url.URL
	want["noURL"] = "nil"
	query := url.Values{"b": {"2", "3"}, "a": {"1"}, "": nil}
	want["query"] = `["": [], "a": "1", "b": ["2" "3"]]`
	header := http.Header{"Accept": {"text/html"}, "X-B": {"1", "2"}}
	want["header"] = `["Accept": "text/html", "X-B": ["1" "2"]]`
	var noHeader http.Header
	want["noHeader"] = "nil"

	ip4, ip6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1%eth0")
	mapped := netip.MustParseAddr("::ffff:192.0.2.1")
	var noAddr netip.Addr
	port := netip.MustParseAddrPort("[2001:db8::1]:80")
	prefix := netip.MustParsePrefix("10.0.0.0/8")
	want["ip4"], want["ip6"], want["mapped"], want["noAddr"] = ip4.String(), ip6.String(), mapped.String(), noAddr.String()
	want["port"], want["prefix"] = port.String(), prefix.String()
	oldIP := net.ParseIP("192.0.2.7")
	_, network, err := net.ParseCIDR("10.1.0.0/16")
	must(err)
	tcp := &net.TCPAddr{IP: oldIP, Port: 443}
	mac := net.HardwareAddr{1, 2, 3, 4, 5, 6}
	want["oldIP"], want["network"], want["tcp"], want["mac"] = oldIP.String(), network.String(), tcp.String(), mac.String()

	large, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	fraction := big.NewRat(22, 7)
	floating := big.NewFloat(1.5)
	nothing := new(big.Int)
	want["large"], want["fraction"], want["floating"], want["nothing"] = large.String(), fraction.String(), floating.String(), "0"

	id, err := uuid.Parse("a8098c1a-f86e-11da-bd1a-00112444be1e")
	must(err)
	want["id"] = "a8098c1a-f86e-11da-bd1a-00112444be1e"
	text, binary, empty := []byte("héllo\n"), []byte{0, 1, 0xff}, []byte{}
	var noBytes []byte
	raw := json.RawMessage(`{"a": [1, 2]}`)
	ownBytes := named("own")
	array := [4]byte{0xde, 0xad, 0xbe, 0xef}
	long := make([]byte, 1000)
	for i := range long {
		long[i] = 'x'
	}
	want["text"], want["binary"], want["empty"], want["noBytes"] = quote(string(text)), "0x0001ff", `""`, "nil"
	want["raw"], want["ownBytes"], want["array"] = quote(string(raw)), `"own"`, "0xdeadbeef"

	plain := errors.New("gone")
	wrapped := fmt.Errorf("open shop: %w", plain)
	joined := errors.Join(plain, io(wrapped))
	_, number := strconv.Atoi("12x")
	var noError error
	status := error(&httperror.Error{Code: 404, Err: wrapped})
	known := error(httperror.NotFound)
	errno := error(syscall.ENOENT)
	odd := error(strange{plain})
	around := fmt.Errorf("around: %w", odd)
	want["plain"] = `(*errors.errorString) "gone"`
	want["wrapped"] = `(*fmt.wrapError) ` + quote(wrapped) + ` ← (*errors.errorString) "gone"`
	want["joined"] = `(*errors.joinError) ` + quote(joined) + ` ← (*errors.errorString) "gone" ← (*fs.PathError) ` + quote(io(wrapped)) + ` ← (*fmt.wrapError) ` + quote(wrapped) + ` ← (*errors.errorString) "gone"`
	want["number"] = `(*strconv.NumError) ` + quote(number) + ` ← (*errors.errorString) "invalid syntax"`
	want["noError"] = "nil"
	want["status"] = `(*httperror.Error) ` + quote(status) + ` ← (*fmt.wrapError) ` + quote(wrapped) + ` ← (*errors.errorString) "gone"`
	want["known"] = `(httperror.Code) ` + quote(known)
	want["errno"] = `(syscall.Errno) ` + quote(errno)
	want["odd"] = `(main.strange) {Err: (*errors.errorString) "gone"}`
	want["around"] = `(*fmt.wrapError) ` + quote(around) + ` ← (main.strange) {Err: (*errors.errorString) "gone"}`

	background := context.Background()
	valued := context.WithValue(context.WithValue(background, userKey{}, "ann"), contextKey(3), item{"pen", 2})
	deadline, cancelDeadline := context.WithDeadline(valued, time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC))
	canceled, cancel := context.WithCancel(background)
	cancel()
	detached := context.WithoutCancel(deadline)
	want["background"] = "no values, no deadline"
	want["valued"] = `main.contextKey(3): (main.item) {Name: "pen", Price: 2}; main.userKey: (string) "ann"`
	want["deadline"] = "deadline 2100-01-02 03:04:05 +0000 UTC; " + want["valued"]
	want["canceled"] = "ended: " + canceled.Err().Error()
	want["detached"] = want["valued"]
	defer cancelDeadline()

	var free, held sync.Mutex
	held.Lock()
	var readers, writer, idle sync.RWMutex
	readers.RLock()
	readers.RLock()
	writer.Lock()
	var once, never sync.Once
	once.Do(func() {})
	var group sync.WaitGroup
	group.Add(3)
	want["free"], want["held"] = "unlocked", "locked"
	want["readers"], want["writer"], want["idle"] = "locked by 2 readers", "locked by a writer", "unlocked"
	want["once"], want["never"], want["group"] = "done", "not done", "counter 3, 0 waiting"
	var counter atomic.Int64
	counter.Store(-7)
	var flag atomic.Bool
	flag.Store(true)
	var held2 atomic.Pointer[item]
	held2.Store(&item{"ink", 5})
	var anyValue atomic.Value
	anyValue.Store("stored")
	want["counter"], want["flag"], want["held2"], want["anyValue"] = "-7", "true", `&{Name: "ink", Price: 5}`, `(string) "stored"`

	waiting, closed, bare := make(chan int, 8), make(chan item, 2), make(chan string)
	var noChannel chan int
	for i := range 10 {
		waiting <- i
		if i >= 7 {
			<-waiting
		}
		if i == 7 {
			<-waiting
		}
	}
	closed <- item{"pen", 1}
	close(closed)
	want["waiting"] = fmt.Sprintf("%d of %d waiting", len(waiting), cap(waiting))
	want["closed"], want["bare"], want["noChannel"] = "1 of 2 waiting, closed", "unbuffered", "nil"

	reflected := reflect.ValueOf(item{"pen", 2})
	reflectedPointer := reflect.ValueOf(&item{"pen", 2})
	reflectedField := reflect.ValueOf(&item{"pen", 2}).Elem().Field(0)
	reflectedMap := reflect.ValueOf(&struct{ M map[string]int }{map[string]int{"a": 1}}).Elem().Field(0)
	var invalid reflect.Value
	want["reflected"], want["reflectedPointer"] = `(main.item) {Name: "pen", Price: 2}`, `(*main.item) &{Name: "pen", Price: 2}`
	want["reflectedField"], want["reflectedMap"], want["invalid"] = `(string) "pen"`, `(map[string]int) ["a": 1]`, "(invalid)"

	name, price := "pen", 2
	closure := func() string { return name + strconv.Itoa(price) }
	function := quote
	method := reflected.String
	var noFunction func()
	want["closure"] = `main.show.func`
	want["function"] = "main.quote (main.go:"
	want["method"] = "reflect.Value.String"
	want["noFunction"] = "nil"

	colors := []color{red, green}
	want["colors"] = "[red (1), green (2)]"
	numbers := map[int]string{10: "ten", -1: "minus", 2: "two"}
	want["numbers"] = `[-1: "minus", 2: "two", 10: "ten"]`
	keyed := map[item]bool{{"a", 1}: true}
	want["keyed"] = `[{Name: "a", Price: 1}: true]`
	moments := map[string]time.Time{"b": utc, "a": zero}
	want["moments"] = `["a": ` + zero.String() + `, "b": ` + utc.String() + `]`
	nested := struct {
		At   time.Time
		Lock sync.Mutex
		From *url.URL
	}{At: utc, From: address}
	want["nested"] = "{At: " + utc.String() + ", Lock: unlocked, From: " + quote(address) + "}"
	sixth, infinite, small, complexNumber := 1.0/6, math.Inf(-1), float32(0.1), complex(1, -2)
	want["sixth"], want["infinite"], want["small"], want["complexNumber"] = fmt.Sprint(sixth), "-Inf", fmt.Sprint(small), fmt.Sprint(complexNumber)
	letter, word := 'é', uintptr(0xbeef)
	want["letter"], want["word"] = "233", "0xbeef"
	null, column := sql.NullString{}, sql.NullInt64{Int64: 7, Valid: true}
	want["null"], want["column"] = "NULL", "7"
	deep := &item{"deep", 1}
	deeper := &deep
	want["deeper"] = `&&{Name: "deep", Price: 1}`

	want["params"] = `[cart: 7, name: "Ann B", rest: "a/b/c"]`
	want["req"] = `GET "/cart/007/Ann%20B/a/b/c?x=1"`
	plainRequest := httptest.NewRequest("POST", "http://example.org/x", nil)
	want["plainRequest"] = `POST "http://example.org/x"`

	pair := struct {
		ID    int
		Names []string
		Score map[string]float32
		None  *item
		Any   any
	}{7, []string{"<b>", "\x00\xff*/"}, map[string]float32{"x": 0.1, "a": 2}, nil, uint8(3)}
	printed, marshaled := map[string]string{}, map[string]string{}
	for name, v := range map[string]any{
		"utc": utc, "far": far.Format(time.RFC3339Nano), "duration": duration, "address": address, "opaque": opaque, "query": query, "header": header,
		"ip4": ip4, "ip6": ip6, "noAddr": noAddr, "port": port, "prefix": prefix, "large": large, "text": text, "binary": binary,
		"raw": raw, "ownBytes": ownBytes, "array": array, "long": long, "colors": colors, "numbers": numbers, "keyed": keyed,
		"moments": moments, "sixth": sixth, "infinite": infinite, "small": small, "complexNumber": complexNumber, "word": word, "pair": pair,
		"month": month, "null": null, "id": id, "zero": zero, "letter": letter, "oldIP": oldIP, "plain": 0,
	} {
		printed[name] = fmt.Sprint(v)
		if text, err := json.Marshal(v); err == nil {
			marshaled[name] = string(text)
		}
	}
	delete(printed, "far")
	delete(marshaled, "complexNumber")
	delete(printed, "plain")
	delete(marshaled, "plain")
	delete(marshaled, "far")

	_, goroutine, err := corefile.Write(os.Args[1], 0)
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(result{goroutine, want, printed, marshaled}))

	keep(now, far, summer, winter, fixed, pointer, duration, month, opaque, noURL, query, header, noHeader, ip4, ip6, mapped, noAddr, port, prefix, tcp, mac)
	keep(large, fraction, floating, nothing, id, text, binary, empty, noBytes, raw, ownBytes, array, long, joined, number, noError, status, known, errno, odd, around)
	keep(detached, canceled, &free, &held, &readers, &writer, &idle, &once, &never, &group, &counter, &flag, &held2, &anyValue, waiting, closed, bare, noChannel)
	keep(reflected, reflectedPointer, reflectedField, reflectedMap, invalid, closure, function, method, noFunction, colors, numbers, keyed, moments, &nested)
	keep(sixth, infinite, small, complexNumber, letter, word, null, column, deeper, params, req, plainRequest, network, &pair)
}

// io wraps an error in one of package io/fs.
func io(err error) error { return &fs.PathError{Op: "open", Path: "/shop", Err: err} }

func keep(...any) {}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
