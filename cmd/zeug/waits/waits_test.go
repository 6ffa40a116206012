package waits_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/waits"
	"github.com/zeugkit/zeug/internal/supervise"
)

const (
	// held is how long the waits of these tests take at least.
	held = 30 * time.Millisecond
	// lateness is how long a goroutine that sleeps may need until it has stopped.
	lateness = 10 * time.Millisecond
)

// recorded serves a request as package dev does, and returns its trace.
func recorded(t testing.TB, maxBytes uint64, serve func(*trace.FlightRecorder)) []byte {
	t.Helper()
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 30 * time.Second, MaxBytes: maxBytes})
	require.NoError(t, recorder.Start())
	defer recorder.Stop()
	done := make(chan bool)
	go func() {
		defer close(done)
		defer trace.StartRegion(t.Context(), supervise.TraceRegion(7)).End()
		serve(recorder)
	}()
	<-done
	var b bytes.Buffer
	_, err := recorder.WriteTo(&b)
	require.NoError(t, err)
	return b.Bytes()
}

// report records a request and reads its trace.
func report(t testing.TB, serve func()) *waits.Report {
	t.Helper()
	report, err := waits.Read(recorded(t, 8<<20, func(*trace.FlightRecorder) { serve() }), 7)
	require.NoError(t, err)
	require.False(t, report.IsCut)
	require.False(t, report.IsFull)
	require.InDelta(t, report.Took, report.Ran+report.Waited+report.Ready+report.InSystem, float64(time.Microsecond))
	return report
}

// goroutine is the number of the calling goroutine.
func goroutine() string {
	text := make([]byte, 64)
	_, text, _ = bytes.Cut(text[:runtime.Stack(text, false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	return string(number)
}

// hold returns held after a goroutine has stopped to wait.
func hold(goroutine string) {
	text := make([]byte, 1<<20)
	for {
		_, rest, _ := strings.Cut(string(text[:runtime.Stack(text, true)]), "goroutine "+goroutine+" ")
		state, _, _ := strings.Cut(rest, "]")
		if !strings.Contains(state, "[run") && !strings.Contains(state, "[syscall") {
			break
		}
		runtime.Gosched()
	}
	time.Sleep(held)
}

// text describes a wait, with the comments at its lines.
func text(t testing.TB, w waits.Wait) string {
	t.Helper()
	source, err := os.ReadFile("waits_test.go")
	require.NoError(t, err)
	lines := strings.Split(string(source), "\n")
	place := func(p waits.Place) string {
		require.NotEmpty(t, p.Function)
		if p.Inner == "" && strings.HasPrefix(p.Function, "sync.") {
			return p.Function
		}
		comment := ""
		if filepath.Base(p.File) == "waits_test.go" {
			_, comment, _ = strings.Cut(lines[p.Line-1], " // ")
		}
		return strings.TrimSpace(p.Inner + " " + comment)
	}
	text := w.Kind + ": " + place(w.Place) + "; "
	if w.Waker.Other != "" {
		return text + w.Waker.Other
	}
	require.NotEmpty(t, w.Waker.Goroutine.Function)
	require.Equal(t, strings.HasPrefix(w.Waker.Goroutine.Function, "sync."), w.Waker.Goroutine.Started.Function != "", "a goroutine that sync.WaitGroup.Go began")
	return text + place(w.Waker.Place)
}

func TestWaits(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	for _, test := range []struct {
		name  string
		serve func(me string)
		want  string
		child string // the wait of a goroutine that the request started, besides hold
		early time.Duration
	}{
		{"mutex", func(me string) {
			var mu sync.Mutex
			mu.Lock()
			go func() {
				hold(me)
				mu.Unlock() // wakes
			}()
			mu.Lock() // waits
		}, "sync.Mutex: sync.(*Mutex).Lock waits; sync.(*Mutex).Unlock wakes", "", 0},
		{"rwmutex", func(me string) {
			var mu sync.RWMutex
			mu.Lock()
			go func() {
				hold(me)
				mu.Unlock() // wakes
			}()
			mu.RLock() // waits
		}, "sync.RWMutex: sync.(*RWMutex).RLock waits; sync.(*RWMutex).Unlock wakes", "", 0},
		{"once", func(me string) {
			var once sync.Once
			began := make(chan bool, 1)
			go func() {
				once.Do(func() { // wakes
					began <- true
					hold(me)
				})
			}()
			for len(began) == 0 {
				runtime.Gosched()
			}
			once.Do(func() {}) // waits
		}, "sync.Once: sync.(*Once).Do waits; sync.(*Once).Do wakes", "", 0},
		{"receive", func(me string) {
			results := make(chan int)
			go func() {
				hold(me)
				results <- 1 // wakes
			}()
			<-results // waits
		}, "channel receive: waits; channel send wakes", "", 0},
		{"close", func(me string) {
			done := make(chan int)
			go func() {
				hold(me)
				close(done) // wakes
			}()
			for range done { // waits
			}
		}, "channel receive: waits; close wakes", "", 0},
		{"send", func(me string) {
			queue := make(chan int, 1)
			queue <- 1
			go func() {
				hold(me)
				<-queue // wakes
			}()
			queue <- 2 // waits
		}, "channel send: waits; channel receive wakes", "", 0},
		{"semaphore", func(me string) {
			s := semaphore(make(chan bool, 1))
			_ = s.acquire(t.Context())
			go func() {
				hold(me)
				<-s // wakes
			}()
			_ = s.acquire(t.Context())
		}, "select: waits; channel receive wakes", "", 0},
		{"waitgroup", func(me string) {
			var group sync.WaitGroup
			results := make(chan int)
			for range 2 {
				group.Add(1)
				go func() {
					<-results    // child waits
					group.Done() // wakes
				}()
			}
			go func() {
				hold(me)
				close(results) // wakes
			}()
			group.Wait() // waits
		}, "sync.WaitGroup: sync.(*WaitGroup).Wait waits; sync.(*WaitGroup).Done wakes", "channel receive: child waits; close wakes", 0},
		{"group", func(me string) {
			var group sync.WaitGroup
			results := make(chan int)
			group.Go(func() { <-results }) // child waits
			go func() {
				hold(me)
				close(results) // wakes
			}()
			group.Wait() // waits
		}, "sync.WaitGroup: sync.(*WaitGroup).Wait waits; sync.(*WaitGroup).Go.func1", "channel receive: child waits; close wakes", 0},
		{"cond", func(me string) {
			var mu sync.Mutex
			changed := sync.NewCond(&mu)
			go func() {
				hold(me)
				changed.Broadcast() // wakes
			}()
			mu.Lock()
			changed.Wait() // waits
		}, "sync.Cond: sync.(*Cond).Wait waits; sync.(*Cond).Broadcast wakes", "", 0},
		{"timer", func(string) {
			select { // waits
			case <-time.After(held):
			case <-make(chan int):
			}
		}, "select: waits; a timer", "", lateness},
		{"sleep", func(string) {
			time.Sleep(held) // waits
		}, "time.Sleep: waits; a timer", "", lateness},
		{"network", func(me string) {
			go func() {
				conn, err := listener.Accept()
				if err == nil {
					hold(me)
					_, _ = conn.Write([]byte("+PONG\r\n"))
					_ = conn.Close()
				}
			}()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n') // waits
			_ = conn.Close()
		}, "network: net.(*conn).Read waits; the network", "", 0},
		{"hangup", func(me string) {
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				return
			}
			go func() {
				hold(me)
				_ = conn.Close() // wakes
			}()
			_, _ = io.Copy(io.Discard, conn) // waits
		}, "network: net.(*conn).Read waits; net.(*conn).Close wakes", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := report(t, func() { test.serve(goroutine()) })
			var own, children []string
			for _, w := range report.Waits {
				switch {
				case w.Time < held/2, w.Kind == "system call", strings.HasSuffix(w.Place.Function, ".hold"):
				case w.Goroutine.Function == "":
					own = append(own, text(t, w))
					require.GreaterOrEqual(t, w.Time, held-test.early)
					require.LessOrEqual(t, w.Time, report.Waited)
					require.Less(t, report.Took, time.Minute)
				default:
					children = append(children, text(t, w))
				}
			}
			require.Equal(t, []string{test.want}, own)
			if test.child != "" {
				require.Equal(t, []string{test.child}, children)
			}
		})
	}
}

// semaphore is one that is made of a channel, as many programs have.
type semaphore chan bool

func (s semaphore) acquire(ctx context.Context) error {
	select { // waits
	case s <- true:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestARequestWithoutWaits(t *testing.T) {
	report := report(t, func() {})
	require.Empty(t, report.Waits)
	require.Zero(t, report.Waited)
	require.Zero(t, report.Short)
	require.Positive(t, report.Ran)
}

func TestWaitsAtOnePlaceAreAddedUp(t *testing.T) {
	report := report(t, func() {
		for range 5 {
			time.Sleep(2 * time.Millisecond)
		}
		time.Sleep(time.Millisecond)
	})
	require.Len(t, report.Waits, 2)
	require.ElementsMatch(t, []int{5, 1}, []int{report.Waits[0].Count, report.Waits[1].Count})
	require.InDelta(t, report.Waited, report.Waits[0].Time+report.Waits[1].Time, float64(time.Microsecond))
}

func TestShortWaitsAreAddedUp(t *testing.T) {
	const times = 1000
	report := report(t, func() {
		there, back := make(chan int), make(chan int)
		go func() {
			for range there {
				back <- 1
			}
			close(back)
		}()
		for range times {
			there <- 1
			<-back
		}
		close(there)
		<-back
	})
	listed := waits.Sum{}
	for _, w := range report.Waits {
		if w.Goroutine.Function == "" {
			require.GreaterOrEqual(t, w.Time, waits.Shortest*time.Duration(w.Count))
			listed.Count += w.Count
			listed.Time += w.Time
		}
	}
	require.Positive(t, report.Short.Count)
	require.Less(t, report.Short.Time, waits.Shortest*time.Duration(report.Short.Count))
	require.InDelta(t, report.Waited, report.Short.Time+listed.Time, float64(time.Microsecond))
}

// TestOtherRequestsAreOnlyWakers has a mutex that another request holds while it waits itself.
func TestOtherRequestsAreOnlyWakers(t *testing.T) {
	var mu sync.Mutex
	waiting := make(chan string)
	locked := make(chan bool)
	go func() {
		mu.Lock()
		close(locked)
		hold(<-waiting)
		mu.Unlock()
	}()
	<-locked
	report := report(t, func() {
		waiting <- goroutine()
		mu.Lock()
	})
	longest := report.Waits[0]
	require.Equal(t, "sync.Mutex", longest.Kind)
	require.Contains(t, longest.Waker.Goroutine.Function, "TestOtherRequestsAreOnlyWakers.func1")
	for _, w := range report.Waits {
		require.Empty(t, w.Goroutine)
	}
}

// TestGoroutinesOfLibraries has a request of package http, which starts goroutines that read and
// write, and an iterator that goes on as a goroutine.
func TestGoroutinesOfLibraries(t *testing.T) {
	var me string
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hold(me) }))
	defer s.Close()
	r := report(t, func() {
		me = goroutine()
		resp, err := s.Client().Get(s.URL)
		if err == nil {
			_ = resp.Body.Close()
		}
	})
	const reads = "net/http.(*persistConn).readLoop"
	own := slices.IndexFunc(r.Waits, func(w waits.Wait) bool { return w.Waker.Goroutine.Function == reads })
	child := slices.IndexFunc(r.Waits, func(w waits.Wait) bool { return w.Goroutine.Function == reads && w.Kind == "network" })
	require.Less(t, own, child, "the child's wait is a part of the request's")
	require.Equal(t, "select net/http.(*persistConn).roundTrip", r.Waits[own].Kind+" "+r.Waits[own].Place.Inner)
	require.Contains(t, r.Waits[own].Place.Function, "TestGoroutinesOfLibraries.func")
	require.Equal(t, "net.(*conn).Read", r.Waits[child].Place.Function)
	require.Equal(t, "the network", r.Waits[child].Waker.Other)

	r = report(t, func() {
		next, stop := iter.Pull(func(yield func(int) bool) {
			time.Sleep(held)
			yield(1)
		})
		next()
		stop()
	})
	require.Equal(t, []string{"iter.Pull", "time.Sleep"}, []string{r.Waits[0].Kind, r.Waits[1].Kind})
}

// TestTheBeginningMayBeMissing fills the memory of the recorder.
func TestTheBeginningMayBeMissing(t *testing.T) {
	data := recorded(t, 100<<10, func(recorder *trace.FlightRecorder) {
		var mu sync.Mutex
		mu.Lock()
		me := goroutine()
		go func() {
			hold(me)
			for range 10 {
				there := make(chan int)
				go func() {
					for range 10_000 {
						there <- 1
					}
					close(there)
				}()
				for range there {
				}
				_, _ = recorder.WriteTo(io.Discard) // it drops the oldest events now and then: this is such a moment
			}
			time.Sleep(held)
			mu.Unlock()
		}()
		mu.Lock()
	})
	report, err := waits.Read(data, 7)
	require.NoError(t, err)
	require.True(t, report.IsCut)
	require.Equal(t, "sync.Mutex", report.Waits[0].Kind)
	require.Equal(t, "sync.(*Mutex).Unlock", report.Waits[0].Waker.Place.Inner)
	require.GreaterOrEqual(t, report.Waits[0].Time, held-lateness)
	require.InDelta(t, report.Took, report.Ran+report.Waited+report.Ready+report.InSystem, float64(time.Microsecond))
}

func TestTracesThatCannotBeRead(t *testing.T) {
	whole := recorded(t, 8<<20, func(*trace.FlightRecorder) { time.Sleep(time.Millisecond) })
	for name, test := range map[string]struct {
		data     []byte
		exchange int
		says     string
	}{
		"empty":           {nil, 7, "it is not a trace of a version of Go that is known"},
		"another file":    {[]byte("PK\x03\x04 and so on"), 7, "it is not a trace of a version of Go that is known"},
		"an old version":  {append([]byte("go 1.11 trace\x00\x00\x00"), whole[16:]...), 7, "it is not a trace of a version of Go that is known"},
		"a later version": {append([]byte("go 1.99 trace\x00\x00\x00"), whole[16:]...), 7, "go 1.99: update zeug"},
		"another request": {whole, 8, "it does not have the request"},
		"cut":             {whole[:len(whole)/2], 7, "it "},
		"too long":        {make([]byte, 33<<20), 7, "it is longer than 32 MiB"},
	} {
		report, err := waits.Read(test.data, test.exchange)
		require.ErrorContains(t, err, "the waits are not known, since the trace cannot be read: ", name)
		require.ErrorContains(t, err, test.says, name)
		require.Nil(t, report, name)
	}
}

// TestDamagedTraces reads parts of a trace, and traces with some wrong bytes.
func TestDamagedTraces(t *testing.T) {
	whole := recorded(t, 8<<20, func(*trace.FlightRecorder) {
		done := make(chan bool)
		go func() { time.Sleep(time.Millisecond); close(done) }()
		<-done
	})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		data := slices.Clone(whole)
		for range 1 + i%8 {
			data[16+random.IntN(len(data)-16)] = byte(random.Uint32())
		}
		readable(t, data[:len(data)-random.IntN(len(data))*(i%2)])
	}
}

func FuzzRead(f *testing.F) {
	f.Add(recorded(f, 8<<20, func(*trace.FlightRecorder) { time.Sleep(time.Millisecond) }))
	f.Add([]byte("go 1.26 trace\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) { readable(t, data) })
}

// readable reads a trace that may be damaged.
func readable(t *testing.T, data []byte) {
	report, err := waits.Read(data, 7)
	if err != nil {
		require.Nil(t, report)
		return
	}
	require.GreaterOrEqual(t, report.Took, time.Duration(0), fmt.Sprint(report))
}
