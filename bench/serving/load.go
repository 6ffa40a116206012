package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// loadPeers are the servers of loadTable. All say hello. net/http has no access log. An App sets Content-Type,
// as the third peer does; the others leave that to net/http.
var loadPeers = []string{"net/http", "zeug", "net/http that sets Content-Type", "zeug with its access log", "zeug with an App", "zeug with an App and its access log"}

// loadTable has wrk send requests to whole servers over 64 connections. Each server has one core and one thread, and
// wrk has the other core. The servers are asked in turn, and begin in turn, since a machine changes its speed. Ratios
// are medians of the rounds.
func loadTable(w io.Writer, rounds int, slice time.Duration) error {
	servers := make([]*loaded, len(loadPeers))
	for i, peer := range loadPeers {
		s, err := startLoaded(peer)
		if err != nil {
			return fmt.Errorf("%s: %w", peer, err)
		}
		defer s.stop()
		servers[i] = s
	}
	rates, spent := make([][]float64, len(servers)), make([][]float64, len(servers))
	for round := range rounds {
		for i := range servers {
			i = (i + round) % len(servers)
			rate, micros, err := servers[i].load(slice)
			if err != nil {
				return fmt.Errorf("%s: %w", loadPeers[i], err)
			}
			rates[i], spent[i] = append(rates[i], rate), append(spent[i], micros)
		}
	}
	fmt.Fprintf(w, "| hello under wrk | thousand requests per second | of net/http | processor time, µs | of net/http |\n|---|---|---|---|---|\n")
	for i, peer := range loadPeers {
		fmt.Fprintf(w, "| %s | %.1f | %.2f | %.2f | %.2f |\n", peer, median(rates[i])/1000, median(ratios(rates[i], rates[0])),
			median(spent[i]), median(ratios(spent[i], spent[0])))
	}
	return nil
}

func ratios(list, of []float64) (result []float64) {
	for i := range list {
		result = append(result, list[i]/of[i])
	}
	return result
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

// loaded is a server that runs.
type loaded struct {
	cmd  *exec.Cmd
	addr string
}

func startLoaded(peer string) (*loaded, error) {
	cmd := exec.Command("taskset", "-c", "0", os.Args[0], "-serve", peer)
	cmd.Env, cmd.Stderr = append(os.Environ(), "GOMAXPROCS=1"), os.Stderr // its access log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &loaded{cmd: cmd}
	if _, err := fmt.Fscan(out, &s.addr); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *loaded) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// load returns how many requests the server answers in a second, and the processor time of one in microseconds.
func (s *loaded) load(slice time.Duration) (rate, micros float64, err error) {
	seconds := strconv.Itoa(max(1, int(slice.Seconds()))) + "s"
	before, err := processorTime(s.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	text, err := exec.Command("taskset", "-c", "1", "wrk", "-t1", "-c64", "-d", seconds, "http://"+s.addr+"/").CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("wrk: %w: %s", err, text)
	}
	after, err := processorTime(s.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	var requests float64
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "Requests/sec:"); found {
			rate, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
		} else if fields := strings.Fields(line); len(fields) > 2 && fields[1] == "requests" {
			requests, err = strconv.ParseFloat(fields[0], 64)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("wrk printed %q: %w", line, err)
		}
	}
	if rate == 0 || requests == 0 {
		return 0, 0, fmt.Errorf("wrk printed no rate: %s", text)
	}
	return rate, float64((after - before).Microseconds()) / requests, nil
}

// processorTime is what a process has used since it began, in steps of 10 ms.
func processorTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ")
	var ticks time.Duration
	for _, field := range strings.Fields(after)[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("processor time of %d: %w", pid, err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond, nil
}
