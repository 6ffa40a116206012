// Package load times whole servers under wrk for package measure. The servers of a program run at
// once and get requests by turns. It needs Linux, wrk and taskset.
//
// A timing does not count if other programs were busy meanwhile. In one second of two processors:
//
//	2.00 s
//	0.10 s  idle (/proc/stat)
//	0.96 s  the processes of the server (/proc/PID/stat)
//	0.75 s  wrk
//	0.19 s  the rest: more than 0.15 of a second, so other programs were busy
package load

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/bench/measure"
)

// busy bounds the rest, as a part of the time on the clock. It includes what Linux does for no program:
// its own threads, and the way into and out of idleness, which wrk takes thousands of times a second.
// That alone was 0.06 to 0.09 on a machine where nothing else ran.
const busy = 0.15

// Row says how wrk asks a server.
type Row struct {
	Path string
	// Header returns the fields of the requests to a server. It may be nil.
	Header func(*Server) (http.Header, error)
	// Script is a file in Lua for wrk. It may be empty.
	Script string
	// Core is the processor of wrk; "" is any.
	Core string
	// Connections is how many wrk has; 0 is 64.
	Connections int
	// Seconds is how long wrk asks; 0 is 1.
	Seconds int
}

// Subject returns a subject that lets wrk ask the server, which it starts before.
func (s *Server) Subject(name, peer string, row Row) measure.Subject {
	return measure.Subject{Case: name, Peer: peer, Form: measure.PerSecond, Attempt: func() (measure.Timing, error) {
		if err := s.Start(); err != nil {
			return measure.Timing{}, err
		}
		return s.ask(row)
	}}
}

func (s *Server) ask(row Row) (t measure.Timing, err error) {
	arguments := []string{
		"wrk", "-t1", "--timeout", "10s", "-c", strconv.Itoa(cmp.Or(row.Connections, 64)), "-d", strconv.Itoa(cmp.Or(row.Seconds, 1)) + "s",
	}
	if row.Core != "" {
		arguments = append([]string{"taskset", "-c", row.Core}, arguments...)
	}
	if row.Script != "" {
		arguments = append(arguments, "-s", row.Script)
	}
	if row.Header != nil {
		header, err := row.Header(s)
		if err != nil {
			return t, err
		}
		for name, values := range header {
			for _, value := range values {
				arguments = append(arguments, "-H", name+": "+value)
			}
		}
	}
	wrk := exec.Command(arguments[0], append(arguments[1:], "http://"+s.Addr+row.Path)...)
	wrk.SysProcAttr = Child(syscall.SIGKILL)
	defer s.output.Truncate(0) // an access log would fill the memory

	watch := s.Watch()
	out, err := wrk.CombinedOutput()
	if err != nil {
		return t, fmt.Errorf("wrk: %w: %s", err, out)
	}
	own, busy := watch(wrk.ProcessState.UserTime() + wrk.ProcessState.SystemTime())
	requests, perSecond, err := read(string(out))
	if err != nil {
		return t, err
	}
	return measure.Timing{Nanoseconds: 1e9 / perSecond, Processor: float64(own.Nanoseconds()) / requests, Busy: busy}, nil
}

// Watch watches the machine until the function is called that it returns, with the processor time of
// a client that ran meanwhile. That function returns the processor time of the server, and whether
// programs were busy that are not the server, the client or this one.
func (s *Server) Watch() func(client time.Duration) (own time.Duration, busy bool) {
	server, this, start := s.processorTime(), measure.ProcessorTime(), now()
	return func(client time.Duration) (time.Duration, bool) {
		end := now()
		own := s.processorTime() - server
		return own, isBusy(start, end, own+client+measure.ProcessorTime()-this)
	}
}

// machine is what the processors of the machine did until some moment.
type machine struct {
	at         time.Duration
	idle       time.Duration // of all processors
	processors int
}

// isBusy reports whether other programs used much of the time that was not idle. own is the
// processor time of the measurement.
func isBusy(start, end machine, own time.Duration) bool {
	passed := end.at - start.at
	others := passed*time.Duration(end.processors) - (end.idle - start.idle) - own
	return float64(others) > busy*float64(passed)
}

var summary = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
var rate = regexp.MustCompile(`(?m)^Requests/sec:\s*([0-9.]+)`)
var failure = regexp.MustCompile(`(?m)^\s*(Non-2xx|Socket errors).*`)

// read reads the output of wrk.
func read(text string) (requests, perSecond float64, err error) {
	if line := failure.FindString(text); line != "" {
		return 0, 0, errors.New(strings.TrimSpace(line))
	}
	number, ofSecond := summary.FindStringSubmatch(text), rate.FindStringSubmatch(text)
	if number == nil || ofSecond == nil {
		return 0, 0, fmt.Errorf("wrk printed no rate: %s", text)
	}
	requests, _ = strconv.ParseFloat(number[1], 64)
	perSecond, err = strconv.ParseFloat(ofSecond[1], 64)
	if err == nil && (requests == 0 || perSecond == 0) {
		err = errors.New("no answer came to its end")
	}
	return requests, perSecond, err
}

// tick is the unit of times in /proc (USER_HZ).
const tick = 10 * time.Millisecond

func ticks(fields []string) (sum time.Duration) {
	for _, field := range fields {
		n, _ := strconv.Atoi(field)
		sum += time.Duration(n) * tick
	}
	return sum
}

var began = time.Now()

func now() machine {
	text, _ := os.ReadFile("/proc/stat")
	return readMachine(string(text), time.Since(began))
}

// readMachine reads /proc/stat, which has a sum, and the same for each processor:
//
//	cpu  user nice system idle iowait …
//	cpu0 user …
//
// Linux measures when a processor is idle. It only samples what the other time is spent for.
func readMachine(text string, at time.Duration) machine {
	m := machine{at: at}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 6:
		case fields[0] == "cpu":
			m.idle = ticks(fields[4:6])
		case strings.HasPrefix(fields[0], "cpu"):
			m.processors++
		}
	}
	return m
}

// processorTime returns the processor time that the processes of the server have used.
func (s *Server) processorTime() (sum time.Duration) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		sum += ofGroup(string(text), s.Pid())
	}
	return sum
}

// ofGroup returns the processor time in a /proc/PID/stat, with that of children that have ended, if
// the process belongs to the group.
func ofGroup(stat string, group int) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from the state on, which is field 3 in proc(5)
	if len(fields) < 15 || fields[2] != strconv.Itoa(group) {
		return 0
	}
	return ticks(fields[11:15])
}
