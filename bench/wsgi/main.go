// Command wsgi compares "zeug serve", and gateway/wsgi in a Go program, with the usual servers for
// Python applications, in requests per second by wrk.
//
//	GOWORK=off go run ./wsgi
//
// All servers run at once and get requests in turn, so that a busy machine slows all of them;
// figures are medians of the rounds, and a ratio is the median of the rounds' ratios. Beside the
// requests per second is the processor time of a server with all of its processes for one request,
// which other programs disturb less.
//
// It needs Linux, wrk, a Python with Flask, and whichever of gunicorn, waitress and uWSGI are to be
// compared: on Debian python3-flask, gunicorn, python3-waitress, uwsgi-core and
// uwsgi-plugin-python3.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

//go:embed application.py
var application []byte

// question is a row of the table.
type question struct {
	name, path string
	send       int // bytes of a POST
	json       bool
}

var questions = []question{
	{name: "bare WSGI", path: "/bare"},
	{name: "Flask", path: "/"},
	{name: "JSON echo", path: "/json", send: 1000, json: true},
	{name: "send_file 1 MB", path: "/file"},
	{name: "1 MB from memory", path: "/memory"},
	{name: "upload of 10 MB", path: "/upload", send: 10000000},
}

// peer is a server.
type peer struct {
	name, addr string
	command    []string
	process    *exec.Cmd
}

// peers returns the servers, two processes each where they have processes.
func peers(python, dir string) []*peer {
	next := func(name string, command func(addr string) []string) *peer {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		defer l.Close() // every server has its port by then
		addr := l.Addr().String()
		return &peer{name: name, addr: addr, command: command(addr)}
	}
	self, err := os.Executable()
	check(err)
	gunicorn := func(arguments ...string) func(string) []string {
		return func(addr string) []string {
			return slices.Concat([]string{python, "-m", "gunicorn", "--chdir", dir, "--log-level", "error", "--keep-alive", "60", "-b", addr}, arguments, []string{"application:both"})
		}
	}
	return []*peer{
		next("zeug serve 2×2", func(addr string) []string {
			return []string{filepath.Join(dir, "zeug"), "serve", "application:both", "--dir", dir, "-b", addr, "-w", "2", "--threads", "2",
				"--python", python, "--access-log", "off", "--control", "off"}
		}),
		next("mounted 2×2", func(addr string) []string { return []string{self, "-serve", addr, "-dir", dir, "-python", python} }),
		next("gunicorn sync 2", gunicorn("-w", "2")),
		next("gunicorn gthread 2×4", gunicorn("-w", "2", "-k", "gthread", "--threads", "4")),
		next("waitress 4", func(addr string) []string {
			return []string{python, "-m", "waitress", "--threads=4", "--listen=" + addr, "--max-request-body-size=100000000", "application:both"}
		}),
		next("uWSGI 2", func(addr string) []string {
			return []string{"uwsgi", "--plugin", "python3", "--http11-socket", addr, "--chdir", dir, "-w", "application:both", "-p", "2", "--master", "--disable-logging"}
		}),
		next("Werkzeug", func(addr string) []string { return []string{python, "application.py", addr} }),
	}
}

func main() {
	log.SetFlags(0)
	address := flag.String("serve", "", "be the program that mounts the application instead, at this address")
	dir := flag.String("dir", "", "with -serve: where the application is")
	python := flag.String("python", "/usr/bin/python3", "the Python that has Flask and the servers")
	rounds := flag.Int("rounds", 5, "how often each server is asked")
	slice := flag.Duration("slice", 2*time.Second, "how long each time, in whole seconds")
	only := flag.String("only", "", "the servers to compare, separated by commas; all by default")
	asked := flag.String("case", "", "the rows to measure, separated by commas; all by default")
	connections := flag.Int("connections", 16, "of wrk; 4 for uploads")
	flag.Parse()
	if *address != "" {
		log.Fatal(serve(*address, *dir, *python))
	}
	chosen := func(list, name string) bool { return list == "" || slices.Contains(strings.Split(list, ","), name) }

	tmp, err := os.MkdirTemp("", "wsgi")
	check(err)
	defer os.RemoveAll(tmp)
	check(os.WriteFile(filepath.Join(tmp, "application.py"), application, 0o644))
	build := exec.Command("go", "build", "-o", filepath.Join(tmp, "zeug"), ".")
	build.Dir = filepath.Join("..", "cmd", "zeug")
	if out, err := build.CombinedOutput(); err != nil {
		log.Fatalf("build zeug, for which this is to run in the folder bench: %v\n%s", err, out)
	}
	var running []*peer
	for _, p := range peers(*python, tmp) {
		if chosen(*only, p.name) && p.start(tmp) {
			defer p.stop()
			running = append(running, p)
		}
	}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stopped
		for _, p := range running {
			p.stop()
		}
		os.Exit(1)
	}()
	figures := make(map[string][]figure)
	for range *rounds {
		for _, q := range questions {
			if !chosen(*asked, q.name) {
				continue
			}
			for _, p := range running {
				f, err := p.ask(tmp, q, *connections, *slice)
				if err != nil {
					log.Printf("%s: %s: %v", p.name, q.name, err)
				}
				figures[p.name+"/"+q.name] = append(figures[p.name+"/"+q.name], f)
			}
		}
	}
	table := func(title string, cell func(p *peer, q question) float64) {
		fmt.Printf("\n%s\n\n| |", title)
		for _, p := range running {
			fmt.Printf(" %s |", p.name)
		}
		fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(running)))
		for _, q := range questions {
			if !chosen(*asked, q.name) {
				continue
			}
			fmt.Printf("| %s |", q.name)
			for _, p := range running {
				if v := cell(p, q); v > 0 {
					fmt.Printf(" %.3g |", v)
				} else {
					fmt.Print(" – |")
				}
			}
			fmt.Println()
		}
	}
	of := func(p *peer, q question, value func(round int, f figure) float64) float64 {
		var list []float64
		for round, f := range figures[p.name+"/"+q.name] {
			if v := value(round, f); v > 0 {
				list = append(list, v)
			}
		}
		if len(list) == 0 {
			return 0
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	table("Requests per second", func(p *peer, q question) float64 {
		return of(p, q, func(_ int, f figure) float64 { return f.perSecond })
	})
	table("Microseconds of processor time per request", func(p *peer, q question) float64 {
		return of(p, q, func(_ int, f figure) float64 { return f.processor })
	})
	first := running[0]
	table("Requests per second of "+first.name+", over those of each", func(p *peer, q question) float64 {
		return of(p, q, func(round int, f figure) float64 {
			if f.perSecond == 0 {
				return 0
			}
			return figures[first.name+"/"+q.name][round].perSecond / f.perSecond
		})
	})
	table("Processor time of each, over that of "+first.name, func(p *peer, q question) float64 {
		return of(p, q, func(round int, f figure) float64 {
			own := figures[first.name+"/"+q.name][round].processor
			if own == 0 {
				return 0
			}
			return f.processor / own
		})
	})
}

// figure is the measurement of one slice; zero if it failed.
type figure struct{ perSecond, processor float64 }

func serve(addr, dir, python string) error {
	app, err := wsgi.Start(wsgi.Config{
		App: "application:both", Dir: dir, Python: python, Workers: 2, Threads: 2,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return http.Serve(l, app)
}

// start reports whether there is such a server here.
func (p *peer) start(dir string) bool {
	p.process = exec.Command(p.command[0], p.command[1:]...)
	p.process.Dir = dir
	output, err := os.Create(filepath.Join(dir, strings.ReplaceAll(p.name, " ", "-")+".log"))
	check(err)
	defer output.Close()
	p.process.Stdout, p.process.Stderr = output, output
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.process.Start(); err != nil {
		log.Printf("%s is not compared: %v", p.name, err)
		return false
	}
	for range 300 {
		if resp, err := http.Get("http://" + p.addr + "/"); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.stop()
	said, _ := os.ReadFile(output.Name())
	log.Printf("%s is not compared: it does not answer, and says:\n%s", p.name, said)
	return false
}

func (p *peer) stop() {
	syscall.Kill(-p.process.Process.Pid, syscall.SIGKILL)
	p.process.Wait()
}

// tick is the unit of times in /proc (USER_HZ).
const tick = 10 * time.Millisecond

// processor returns the processor time that the server's processes have used.
func (p *peer) processor() (sum time.Duration) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest) // from the state on, which is field 3 in proc(5)
		if len(fields) < 15 || fields[2] != strconv.Itoa(p.process.Process.Pid) {
			continue // of another group
		}
		for _, field := range fields[11:15] { // its own time, and that of children that have ended
			n, _ := strconv.Atoi(field)
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// ask runs wrk for one row for a while.
func (p *peer) ask(tmp string, q question, connections int, slice time.Duration) (f figure, err error) {
	arguments := []string{"-t1", "-d", strconv.Itoa(max(1, int(slice.Seconds()))) + "s"}
	if q.send > 0 {
		script := filepath.Join(tmp, "post.lua")
		body, kind := "string.rep('x', "+strconv.Itoa(q.send)+")", "application/octet-stream"
		if q.json {
			body, kind = `'{"a": "' .. `+body+` .. '"}'`, "application/json"
		}
		text := fmt.Sprintf("wrk.method = 'POST'\nwrk.headers['Content-Type'] = '%s'\nwrk.body = %s\n", kind, body)
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			return f, err
		}
		arguments = append(arguments, "-s", script)
	}
	if q.send > 1<<20 {
		connections = min(connections, 4)
	}
	arguments = append(arguments, "-c", strconv.Itoa(connections), "http://"+p.addr+q.path)
	before := p.processor()
	out, err := exec.Command("wrk", arguments...).CombinedOutput()
	spent := p.processor() - before
	if err != nil {
		return f, fmt.Errorf("wrk: %w: %s", err, out)
	}
	var requests float64
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Non-2xx") || strings.Contains(line, "Socket errors") {
			return figure{}, errors.New(strings.TrimSpace(line))
		}
		if text, _, ok := strings.Cut(line, " requests in "); ok {
			requests, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		}
		if text, ok := strings.CutPrefix(line, "Requests/sec:"); ok {
			f.perSecond, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		}
	}
	if requests > 0 {
		f.processor = float64(spent.Microseconds()) / requests
	}
	return f, err
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
