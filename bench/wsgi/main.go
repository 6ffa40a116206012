// Command wsgi compares gateway/wsgi with the servers that Python applications
// usually stand behind: requests per second by wrk.
//
//	GOWORK=off go run ./wsgi
//
// All servers run at once and are asked by turns, so that a busy machine slows all
// of them; figures are medians of the rounds. It wants Linux, wrk, a Python with
// Flask, and whichever of gunicorn, waitress and uWSGI are to be compared: on Debian
// python3-flask, gunicorn, python3-waitress, uwsgi-core and uwsgi-plugin-python3.
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
	port := 18200
	next := func(name string, command func(addr string) []string) *peer {
		port++
		addr := fmt.Sprintf("127.0.0.1:%d", port)
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
		next("zeug 2×2", func(addr string) []string { return []string{self, "-serve", addr, "-dir", dir, "-python", python} }),
		next("gunicorn sync 2", gunicorn("-w", "2")),
		next("gunicorn gthread 2×4", gunicorn("-w", "2", "-k", "gthread", "--threads", "4")),
		next("waitress 4", func(addr string) []string {
			return []string{python, "-m", "waitress", "--threads=4", "--listen=" + addr, "--max-request-body-size=100000000", "application:both"}
		}),
		next("uWSGI 2", func(addr string) []string {
			return []string{"uwsgi", "--plugin", "python3", "--http-socket", addr, "--http-keepalive", "--chdir", dir, "-w", "application:both", "-p", "2", "--master", "--disable-logging", "--so-keepalive"}
		}),
		next("Werkzeug", func(addr string) []string { return []string{python, "application.py", addr} }),
	}
}

func main() {
	log.SetFlags(0)
	address := flag.String("serve", "", "be the server instead, at this address")
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
	var running []*peer
	for _, p := range peers(*python, tmp) {
		if chosen(*only, p.name) && p.start(tmp) {
			defer p.stop()
			running = append(running, p)
		}
	}
	figures := make(map[string][]float64)
	for range *rounds {
		for _, q := range questions {
			if !chosen(*asked, q.name) {
				continue
			}
			for _, p := range running {
				n, err := p.ask(tmp, q, *connections, *slice)
				if err != nil {
					log.Printf("%s: %s: %v", p.name, q.name, err)
					continue
				}
				figures[p.name+"/"+q.name] = append(figures[p.name+"/"+q.name], n)
			}
		}
	}
	fmt.Print("\nRequests per second\n\n| |")
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
			list := figures[p.name+"/"+q.name]
			if len(list) == 0 {
				fmt.Print(" – |")
				continue
			}
			slices.Sort(list)
			fmt.Printf(" %.4g |", list[len(list)/2])
		}
		fmt.Println()
	}
}

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
	p.process.Stderr = os.Stderr
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.process.Start(); err != nil {
		log.Printf("%s is not compared: %v", p.name, err)
		return false
	}
	for range 100 {
		if resp, err := http.Get("http://" + p.addr + "/"); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Printf("%s is not compared: it does not answer", p.name)
	p.stop()
	return false
}

func (p *peer) stop() {
	syscall.Kill(-p.process.Process.Pid, syscall.SIGKILL)
	p.process.Wait()
}

// ask lets wrk ask one question for a while.
func (p *peer) ask(tmp string, q question, connections int, slice time.Duration) (perSecond float64, err error) {
	arguments := []string{"-t1", "-d", strconv.Itoa(max(1, int(slice.Seconds()))) + "s"}
	if q.send > 0 {
		script := filepath.Join(tmp, "post.lua")
		body, kind := "string.rep('x', "+strconv.Itoa(q.send)+")", "application/octet-stream"
		if q.json {
			body, kind = `'{"a": "' .. `+body+` .. '"}'`, "application/json"
		}
		text := fmt.Sprintf("wrk.method = 'POST'\nwrk.headers['Content-Type'] = '%s'\nwrk.body = %s\n", kind, body)
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			return 0, err
		}
		arguments = append(arguments, "-s", script)
	}
	if q.send > 1<<20 {
		connections = min(connections, 4)
	}
	arguments = append(arguments, "-c", strconv.Itoa(connections), "http://"+p.addr+q.path)
	out, err := exec.Command("wrk", arguments...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Non-2xx") || strings.Contains(line, "Socket errors") {
			return 0, errors.New(strings.TrimSpace(line))
		}
		if text, ok := strings.CutPrefix(line, "Requests/sec:"); ok {
			perSecond, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		}
	}
	return perSecond, err
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
