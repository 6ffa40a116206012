// Command wsgi compares "zeug serve", and gateway/wsgi in a Go program, with the usual servers for
// Python applications, in requests per second by wrk.
//
//	GOWORK=off go run ./wsgi
//
// Beside the requests per second is the processor time of a server with all of its processes for one
// request, which other programs disturb less.
//
// It needs Linux, and of Debian wrk, util-linux, python3-flask, python3-gunicorn, python3-waitress,
// uwsgi-core and uwsgi-plugin-python3.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/zeugkit/zeug/bench/load"
	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/gateway/wsgi"
)

//go:embed application.py
var application string

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

// peers returns the servers, Zeug first, with two processes each where they have processes.
func peers(python, program string) ([]*load.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	gunicorn := func(name string, arguments ...string) *load.Server {
		return &load.Server{Name: name, Command: slices.Concat(
			[]string{python, "-m", "gunicorn", "--log-level", "error", "--keep-alive", "60", "-b", "ADDR"}, arguments, []string{"application:both"})}
	}
	list := []*load.Server{
		{Name: "zeug", Command: []string{
			program, "serve", "application:both", "--dir", "DIR", "-b", "ADDR", "-w", "2", "--threads", "2",
			"--python", python, "--access-log", "off", "--control", "off",
		}},
		{Name: "zeug, mounted in Go", Command: []string{self, "-serve", "ADDR", "-dir", "DIR", "-python", python}},
		gunicorn("gunicorn sync 2", "-w", "2"),
		gunicorn("gunicorn gthread 2×4", "-w", "2", "-k", "gthread", "--threads", "4"),
		{Name: "waitress 4", Command: []string{
			python, "-m", "waitress", "--threads=4", "--listen=ADDR", "--max-request-body-size=100000000", "application:both",
		}},
		{Name: "uWSGI 2", Command: []string{
			"uwsgi", "--plugin", "python3", "--http11-socket", "ADDR", "-w", "application:both", "-p", "2", "--master", "--no-orphans", "--disable-logging",
		}},
		{Name: "Werkzeug", Command: []string{python, "application.py", "ADDR"}},
	}
	for _, s := range list {
		s.Files = map[string]string{"application.py": application}
	}
	return list, nil
}

func main() {
	settings := measure.Flags()
	address := flag.String("serve", "", "be the program that mounts the application instead, at this address")
	mounted := flag.String("dir", "", "with -serve: where the application is")
	python := flag.String("python", "/usr/bin/python3", "the Python that has Flask and the servers")
	flag.Parse()
	if *address != "" {
		log.Fatal(serve(*address, *mounted, *python))
	}
	tools := []load.Tool{
		{Package: "python3-flask", Check: []string{*python, "-c", "import flask"}},
		{Package: "python3-gunicorn", Check: []string{*python, "-c", "import gunicorn"}, Peer: "gunicorn"},
		{Package: "python3-waitress", Check: []string{*python, "-c", "import waitress"}, Peer: "waitress"},
		{Package: "uwsgi-core", Check: []string{"uwsgi"}, Peer: "uWSGI"},
		{Package: "uwsgi-plugin-python3", Check: []string{"uwsgi", "--plugin", "python3", "--version"}, Peer: "uWSGI"},
	}
	load.Main(settings, append(tools, load.Wrk...), func(dir string) error {
		program := filepath.Join(dir, "zeug")
		build := exec.Command("go", "build", "-o", program, ".")
		build.Dir = filepath.Join("..", "cmd", "zeug")
		build.Env = append(os.Environ(), "GOWORK=") // it is built from this checkout, even if this program was built with GOWORK=off
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build zeug, for which this is to run in the folder bench: %w\n%s", err, out)
		}
		servers, err := peers(*python, program)
		if err != nil {
			return err
		}
		list, err := subjects(dir, servers)
		settings.Report(os.Stdout, list)
		return err
	})
}

func subjects(dir string, servers []*load.Server) (list []measure.Subject, err error) {
	for _, q := range questions {
		row := load.Row{Path: q.path, Connections: 16}
		if q.send > 0 {
			row.Script = filepath.Join(dir, strconv.Itoa(q.send)+".lua")
			if err := os.WriteFile(row.Script, []byte(q.script()), 0o644); err != nil {
				return nil, err
			}
		}
		if q.send > 1<<20 {
			row.Connections, row.Seconds = 4, 2
		}
		for _, s := range servers {
			list = append(list, s.Subject(q.name, s.Name, row))
		}
	}
	return list, nil
}

// script returns a script for wrk that sends a body.
func (q question) script() string {
	body, kind := "string.rep('x', "+strconv.Itoa(q.send)+")", "application/octet-stream"
	if q.json {
		body, kind = `'{"a": "' .. `+body+` .. '"}'`, "application/json"
	}
	return fmt.Sprintf("wrk.method = 'POST'\nwrk.headers['Content-Type'] = '%s'\nwrk.body = %s\n", kind, body)
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
