// Command failing fails on request, in every way that a program can. The tests
// of "zeug run" run it and look at what the debugger shows.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing/fstest"
	"time"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

type item struct {
	Name  string
	Price int
}

type base struct {
	ID    int
	Notes []string
}

type user struct {
	base
	*address
	Name string
	Boss *user
	Tags map[string]int
}

type address struct{ City string }

type mistake struct {
	Code int
	Why  string
}

type greeter interface{ greet() string }

func (u *user) greet() string { return "Hello, " + u.Name }

// fail is called as a method value.
func (u *user) fail(code int) { panic(mistake{Code: code, Why: u.Name}) }

var (
	errStock = errors.New("the stock is negative")

	served  int
	limits  = map[string]int{"items": 3}
	gap     atomic.Int64 // nanoseconds
	ballast [][]byte
)

func main() {
	debug.SetMaxStack(4 << 20)
	go tick()
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/ok": ok, "/gap": longest,
		"/nilmap": nilMap, "/nil": nilPointer, "/index": index, "/error": panicError, "/struct": panicStruct,
		"/flush": flush, "/generic": generic, "/closure": closure, "/method": method, "/values": values, "/heap": heap, "/untouched": untouched,
		"/goroutine": inGoroutine, "/concurrent": concurrent, "/memory": memory, "/recursion": recursion,
		"/template": template, "/unlock": unlock, "/quit": quit, "/kill": kill, "/exit": exit,
	} {
		mux.HandleFunc(path, handler)
	}
	app := http.Handler(mux)
	serving.MainWith("127.0.0.1:0", guard(app), serving.Options{Debug: true, NoAccessLog: true})
}

// tick measures how long the program stands still at most.
func tick() {
	for last := time.Now(); ; {
		time.Sleep(500 * time.Microsecond)
		now := time.Now()
		gap.Store(max(gap.Load(), int64(now.Sub(last))))
		last = now
	}
}

func longest(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, gap.Swap(0)) }

// guard is a middleware that fails itself.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served++
		if token := r.URL.Query().Get("token"); token != "" {
			parts := strings.Split(token, ".")
			fmt.Fprint(w, parts[2])
		}
		next.ServeHTTP(w, r)
	})
}

func ok(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	fmt.Fprint(w, "ok")
}

func nilMap(_ http.ResponseWriter, r *http.Request) {
	var prices map[string]int
	key := r.URL.Query().Get("key")
	prices[key] = 2
}

func nilPointer(w http.ResponseWriter, _ *http.Request) {
	var who *user
	greeting := "Hello, "
	fmt.Fprint(w, greeting+who.Name)
}

func index(w http.ResponseWriter, r *http.Request) {
	items := []item{{"pen", 2}, {"ink", 5}, {"paper", 11}}
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	fmt.Fprint(w, pick(items, n+len(items)))
}

func pick(items []item, at int) string { return items[at].Name }

func panicError(_ http.ResponseWriter, _ *http.Request) {
	order := 17
	panic(fmt.Errorf("order %d: %w", order, errStock))
}

func panicStruct(_ http.ResponseWriter, _ *http.Request) {
	m := mistake{Code: 7, Why: "a <b>reason</b>"}
	panic(m)
}

func flush(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "the beginning")
	_ = http.NewResponseController(w).Flush()
	panic("after the beginning")
}

func total[T any, N int | float64](list []T, price func(T) N) (sum N) {
	for i := 0; i <= len(list); i++ {
		sum += price(list[i])
	}
	return sum
}

func generic(w http.ResponseWriter, _ *http.Request) {
	items := []item{{"pen", 2}, {"ink", 5}}
	fmt.Fprint(w, total(items, func(i item) float64 { return float64(i.Price) / 2 }))
}

// page is a template that calls what panics.
var page, _ = templates.New(fstest.MapFS{"page.html": {Data: []byte("<p>\n{{ price(2) }}\n")}}, templates.Options{})

func template(w http.ResponseWriter, r *http.Request) {
	wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
		text, err := page.Text("page.html", templates.Context{"price": func(of int) int { return []int{1}[of] }})
		return wrappers.HTML(text), err
	}).ServeHTTP(w, r)
}

func closure(w http.ResponseWriter, _ *http.Request) {
	count, names := 0, []string{"a", "b"}
	next := func() string {
		count++
		return names[count]
	}
	fmt.Fprint(w, next(), next())
}

func method(_ http.ResponseWriter, _ *http.Request) {
	who := &user{Name: "Ann"}
	f := who.fail
	f(42)
}

func values(w http.ResponseWriter, _ *http.Request) {
	boss := &user{base: base{ID: 1, Notes: []string{"first"}}, address: &address{"Bern"}, Name: "Zoë"}
	boss.Boss = boss
	who := user{base: base{ID: 7}, Name: "Ann \u202e<i>", Boss: boss, Tags: map[string]int{"vip": 1, "new": 2}}
	var any interface{} = mistake{Code: 3}
	var hello greeter = &who
	big := make([]int, 100_000)
	for i := range big {
		big[i] = i * i
	}
	queue := make(chan item, 4)
	queue <- item{"pen", 2}
	queue <- item{"ink", 5}
	ring := [3]*int{nil, &big[2], nil}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Fprint(w, pick(nil, who.ID), any, hello, queue, ring, ctx)
}

// untouched has memory of which the system has not given a page yet.
func untouched(w http.ResponseWriter, _ *http.Request) {
	buf := make([]byte, 256<<10)
	defer func() { runtime.KeepAlive(buf) }() // nothing reads it after the panic, so it could be collected before the core
	buf[0] = 7
	fmt.Fprint(w, buf[len(buf)+int(buf[0])])
}

func heap(w http.ResponseWriter, _ *http.Request) {
	for len(ballast) < 100 {
		block := make([]byte, 1<<20)
		for i := range block {
			block[i] = byte(i)
		}
		ballast = append(ballast, block)
	}
	at := len(ballast)
	fmt.Fprint(w, ballast[at][0])
}

// beside runs what ends the whole program, and waits for it.
func beside(f func()) {
	var running sync.WaitGroup
	running.Go(f)
	running.Wait()
}

func inGoroutine(_ http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	beside(func() {
		var prices map[string]int
		prices[path]++
	})
}

func concurrent(_ http.ResponseWriter, _ *http.Request) {
	counts := map[int]int{}
	var running sync.WaitGroup
	for worker := range 4 {
		running.Go(func() { count(counts, worker) })
	}
	running.Wait()
}

func count(counts map[int]int, worker int) {
	for i := 0; ; i++ {
		counts[i%5] += worker
	}
}

func memory(w http.ResponseWriter, _ *http.Request) {
	size := 1 << 47
	fmt.Fprint(w, len(make([]byte, size)))
}

func recursion(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, deeper(1)) }

func deeper(depth int) int { return deeper(depth+1) + 1 }

func unlock(_ http.ResponseWriter, _ *http.Request) {
	var mu sync.Mutex
	holder := "nobody"
	mu.Unlock()
	fmt.Print(holder)
}

func quit(_ http.ResponseWriter, r *http.Request) {
	_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
	<-r.Context().Done()
}

func kill(_ http.ResponseWriter, r *http.Request) {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	<-r.Context().Done()
}

func exit(http.ResponseWriter, *http.Request) { os.Exit(3) }
