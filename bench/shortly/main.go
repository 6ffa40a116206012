//go:build linux

// Command shortly compares examples/shortly with Werkzeug's own, and with the same
// program on chi and go-redis: requests per second, and the processor time of the
// program and of its Redis for each request.
//
//	GOWORK=off go run ./shortly -werkzeug ~/werkzeug/examples/shortly
//	GOWORK=off go run ./shortly -latency
//	GOWORK=off go run ./shortly -cluster
//
// runs in the folder bench. Each program has a Redis of its own. All of them run at once and get
// requests in turn, so that a busy machine slows all of them: ratios hold, absolute figures vary.
// Figures are medians of the rounds. With -latency, shortly alone gets requests at fixed rates. With
// -cluster, commands to a Redis Cluster are compared with commands to one Redis.
//
// On a machine that does other work, -realtime keeps that work from disturbing the figures, and -rest lets it go
// on in between. Linux gives other work a twentieth of a second after a second in which it had nothing, so
// slices must be shorter:
//
//	GOWORK=off go run ./shortly -latency -realtime -slice 900ms -rest 1s
//
// It needs Linux, and Debian's redis-server, haproxy, gunicorn, uwsgi-core,
// uwsgi-plugin-python3, python3-werkzeug, python3-redis and python3-jinja2.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/bench/shortly/load"
	"github.com/zeugkit/zeug/internal/freeport"
)

//go:embed werkzeug.py
var entry []byte

// peer is a program with its Redis.
type peer struct {
	name, addr string
	command    []string
	program    *exec.Cmd
	redis      *exec.Cmd
	redisAddr  string
	links      []string // ids that exist
}

// Figure holds the medians measured for one case.
type Figure struct {
	PerSecond float64 `json:"perSecond"`
	P99       float64 `json:"p99"`      // milliseconds
	CPU       float64 `json:"cpu"`      // microseconds of the program for each request
	Redis     float64 `json:"redis"`    // microseconds of its Redis for each request
	Commands  float64 `json:"commands"` // of Redis for each request
	Bytes     float64 `json:"bytes"`    // of a response
	Link      float64 `json:"link"`     // bytes of memory of Redis for each link that was made
}

// A mix is what the model of ./shortly/model predicts from the other cases.
var cases = []string{"redirect, one hot id", "redirect, 1,000 ids", "form", "create", "mix"}

func main() {
	log.SetFlags(0)
	werkzeug := flag.String("werkzeug", "", "the folder examples/shortly of Werkzeug's repository; without it Werkzeug is left out")
	rounds := flag.Int("rounds", 5, "how often each program is asked")
	slice := flag.Duration("slice", 2*time.Second, "how long each time")
	flag.BoolVar(&realtime, "realtime", false, "run the programs before all other work on the machine, by chrt; only root may do this")
	rest := flag.Duration("rest", 0, "a pause after each time, for other work on the machine")
	connections := flag.Int("connections", 16, "of the client")
	only := flag.String("only", "", "leave out programs whose names do not contain this")
	late := flag.Bool("latency", false, "send shortly requests at fixed rates instead, and print how late responses are")
	cluster := flag.Bool("cluster", false, "compare commands to a Redis Cluster with commands to one Redis instead")
	links := flag.Int("links", 1_000_000, "how many links exist, with -latency")
	out := flag.String("json", "", "a file that the figures are written to, for the model of docs/scaling.md")
	flag.Parse()
	if *rounds < 1 || *rounds > 50 || *slice < time.Second/10 || *slice > time.Minute || *rest < 0 || *connections < 1 || *connections > 256 ||
		*links < 1 || *links > 10_000_000 {
		log.Fatal("a setting is out of range")
	}
	dir, err := os.MkdirTemp("", "shortly")
	check(err)
	defer os.RemoveAll(dir)
	if *cluster {
		if realtime {
			check(overtake())
		}
		if err := (overhead{dir: dir, rounds: *rounds, slice: *slice, rest: *rest, connections: *connections}).measure(); err != nil {
			log.Print(err) // log.Fatal would leave the folder behind
		}
		return
	}
	for _, source := range []string{"../examples/shortly", "shortly/chi", "shortly/hello"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(source)), ".")
		build.Dir = source // its dependencies are those of its own module
		if out, err := build.CombinedOutput(); err != nil {
			log.Fatalf("go build, in the folder bench: %v\n%s", err, out)
		}
	}
	check(os.WriteFile(filepath.Join(dir, "werkzeug_entry.py"), entry, 0o600))
	if realtime {
		check(overtake())
	}
	if *late {
		err := latency{dir: dir, rounds: *rounds, slice: *slice, rest: *rest, connections: *connections, links: *links}.measure()
		if err != nil {
			log.Print(err) // log.Fatal would leave the folder behind
		}
		return
	}
	running := startAll(dir, *werkzeug, *only)
	defer func() {
		for _, p := range running {
			p.stop()
		}
	}()
	medians := askAll(running, *rounds, *connections, *slice, *rest)
	tables(running, medians)
	if *out != "" {
		text, err := json.MarshalIndent(medians, "", "  ")
		check(err)
		check(os.WriteFile(*out, append(text, '\n'), 0o600))
	}
}

// askAll sends each program the requests of each case in turn, and returns the medians by program and case.
func askAll(running []*peer, rounds, connections int, slice, rest time.Duration) map[string]map[string]Figure {
	figures := map[string]map[string][]Figure{} // by peer and case
	for range rounds {
		for _, name := range cases {
			for _, p := range running {
				f, err := p.ask(name, connections, slice)
				if errors.Is(err, errNoPage) {
					continue
				}
				if err != nil {
					log.Printf("%s, %s: %v", p.name, name, err)
					continue
				}
				if figures[p.name] == nil {
					figures[p.name] = map[string][]Figure{}
				}
				figures[p.name][name] = append(figures[p.name][name], f)
				time.Sleep(rest)
			}
		}
	}
	medians := map[string]map[string]Figure{}
	for name, of := range figures {
		medians[name] = map[string]Figure{}
		for name2, list := range of {
			medians[name][name2] = median(list)
		}
	}
	return medians
}

// realtime is the flag -realtime.
var realtime bool

// The priorities of -realtime. The client and Redis run for microseconds at a time, and the usual scheduler lets such
// processes run as soon as they have something to do. A program keeps a processor for milliseconds, for example to collect
// garbage, so it comes last.
const (
	programPriority = "10"
	redisPriority   = "11"
	clientPriority  = "12"
)

// start returns a command, which runs before all other work if realtime is set. Threads of one priority take turns
// (SCHED_RR): with SCHED_FIFO a thread that waits in a loop could keep the processor from the thread that it waits for.
func start(priority, name string, args ...string) *exec.Cmd {
	if realtime {
		name, args = "chrt", append([]string{"-r", priority, name}, args...)
	}
	return exec.Command(name, args...)
}

// overtake gives this process, the client, its priority.
func overtake() error {
	out, err := exec.Command("chrt", "-a", "-r", "-p", clientPriority, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("chrt: %w: %s", err, out)
	}
	return nil
}

// startAll starts the programs whose names contain only, and a balancer before the first.
func startAll(dir, werkzeug, only string) (running []*peer) {
	for _, p := range peers(dir, werkzeug) {
		if !strings.Contains(p.name, only) {
			continue
		}
		if err := p.start(dir, werkzeug); err != nil {
			log.Printf("%s is left out: %v", p.name, err)
			p.stop()
			continue
		}
		running = append(running, p)
	}
	if len(running) == 0 {
		log.Fatal("no program runs")
	}
	if b, err := balancer(dir, running[0]); err != nil {
		log.Printf("HAProxy is left out: %v", err)
	} else {
		running = append(running, b)
	}
	return running
}

// peers returns the programs, those in Python with a worker for each of two processors.
func peers(dir, werkzeug string) []*peer {
	list := []*peer{
		{name: "shortly", command: []string{filepath.Join(dir, "shortly"), "-quiet", "-addr", "ADDR", "-redis", "redis://REDIS"}},
		{name: "shortly, exact clicks", command: []string{filepath.Join(dir, "shortly"), "-quiet", "-clicks", "exact", "-addr", "ADDR", "-redis", "redis://REDIS"}},
		{name: "shortly, no cache", command: []string{filepath.Join(dir, "shortly"), "-quiet", "-cache", "0", "-addr", "ADDR", "-redis", "redis://REDIS"}},
		{name: "hello", command: []string{filepath.Join(dir, "hello"), "ADDR"}},
		{name: "chi and go-redis", command: []string{filepath.Join(dir, "chi"), "ADDR", "REDIS"}},
	}
	if werkzeug != "" {
		list = append(list,
			&peer{name: "Werkzeug, gunicorn 2", command: []string{"/usr/bin/python3", "-m", "gunicorn", "-w", "2", "--log-level", "error", "-b", "ADDR", "werkzeug_entry:application"}},
			&peer{name: "Werkzeug, uWSGI 2", command: []string{"uwsgi", "--plugin", "python3", "--http11-socket", "ADDR", "-w", "werkzeug_entry:application", "-p", "2", "--master", "--disable-logging"}},
		)
	}
	return list
}

// start starts the Redis and the program, and makes a thousand links.
func (p *peer) start(dir, werkzeug string) error {
	ports, err := freeport.Choose(2)
	if err != nil {
		return err
	}
	p.addr, p.redisAddr = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1]
	p.redis = start(redisPriority, "redis-server", "--port", ports[1], "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no")
	if err := p.redis.Start(); err != nil {
		return err
	}
	fill := strings.NewReplacer("ADDR", p.addr, "REDIS", p.redisAddr)
	for i := range p.command {
		p.command[i] = fill.Replace(p.command[i])
	}
	p.program = start(programPriority, p.command[0], p.command[1:]...)
	p.program.Dir = dir
	p.program.Env = append(os.Environ(), "SHORTLY="+werkzeug, "REDIS_PORT="+ports[1])
	p.program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.program.Start(); err != nil {
		return err
	}
	if !p.answers() {
		return errors.New("it does not answer")
	}
	if p.name == "hello" {
		p.links = []string{"World"}
		return nil
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for n := range 1000 {
		resp, err := client.PostForm("http://"+p.addr+"/", url.Values{"url": {fmt.Sprintf("https://example.org/%d", n)}})
		if err != nil {
			return err
		}
		resp.Body.Close()
		at := resp.Header.Get("Location")
		p.links = append(p.links, strings.TrimSuffix(at[strings.LastIndexByte(at, '/')+1:], "+"))
	}
	return nil
}

// balancer starts HAProxy in front of a program. Its processor time is that of the balancer alone;
// the program's own is in the program's row.
func balancer(dir string, behind *peer) (*peer, error) {
	ports, err := freeport.Choose(2)
	if err != nil {
		return nil, err
	}
	p := &peer{name: "HAProxy before shortly", addr: "127.0.0.1:" + ports[0], links: behind.links}
	config := fmt.Sprintf(`global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  retries 3
  retry-on conn-failure empty-response response-timeout
  option http-buffer-request
  http-reuse safe
frontend front
  bind %s
  default_backend shortly
backend shortly
  server shortly1 %s
`, p.addr, behind.addr)
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p.program = start(programPriority, "/usr/sbin/haproxy", "-db", "-f", file)
	p.program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.program.Start(); err != nil {
		return nil, err
	}
	if !p.answers() {
		p.stop()
		return nil, errors.New("it does not answer")
	}
	return p, nil
}

func (p *peer) answers() bool {
	client := &http.Client{Timeout: 5 * time.Second}
	for range 300 {
		if resp, err := client.Get("http://" + p.addr + "/"); err == nil {
			resp.Body.Close()
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

func (p *peer) stop() {
	if p.program != nil && p.program.Process != nil {
		syscall.Kill(-p.program.Process.Pid, syscall.SIGKILL)
		p.program.Wait()
	}
	if p.redis != nil && p.redis.Process != nil {
		p.redis.Process.Kill()
		p.redis.Wait()
	}
}

// tick is the unit of times in /proc (USER_HZ).
const tick = 10 * time.Millisecond

// processor returns the processor time that the processes of a group have used.
func processor(match func(pid, group string) bool) (sum time.Duration) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest) // from the state on, which is field 3 in proc(5)
		if len(fields) < 15 || !match(filepath.Base(filepath.Dir(name)), fields[2]) {
			continue
		}
		for _, field := range fields[11:15] { // its own time, and that of children that have ended
			n, _ := strconv.Atoi(field)
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// spent returns the processor time of the program and of its Redis.
func (p *peer) spent() (program, store time.Duration) {
	group, pid := strconv.Itoa(p.program.Process.Pid), "none"
	if p.redis != nil {
		pid = strconv.Itoa(p.redis.Process.Pid)
	}
	program = processor(func(_, g string) bool { return g == group })
	store = processor(func(id, _ string) bool { return id == pid })
	return program, store
}

// get returns the request for a path.
func (p *peer) get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, p.addr)
}

// creator returns a function that makes a request for a new link each time.
func (p *peer) creator() func(n int) []byte {
	began, request := time.Now().UnixNano(), []byte(nil)
	return func(n int) []byte {
		form := fmt.Sprintf("url=https://example.org/%d/%d", began, n)
		request = fmt.Appendf(request[:0], "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", p.addr, len(form), form)
		return request
	}
}

// requests returns the requests of a case. They are made beforehand, so that the client is not what limits the
// server.
func (p *peer) requests(name string) func(n int) []byte {
	var follow [][]byte
	for _, id := range p.links {
		follow = append(follow, p.get("/"+id))
	}
	form, create := p.get("/"), p.creator()
	switch name {
	case "redirect, one hot id":
		return func(int) []byte { return follow[0] }
	case "redirect, 1,000 ids":
		return func(n int) []byte { return follow[n%len(follow)] }
	case "form":
		return func(int) []byte { return form }
	case "create":
		return create
	}
	return func(n int) []byte { // 90 % redirects, 8 % forms, 2 % new links
		switch n % 50 {
		case 0:
			return create(n)
		case 12, 25, 37, 49:
			return form
		}
		return follow[n%len(follow)]
	}
}

// errNoPage is the error of hello for pages that only a shortener has.
var errNoPage = errors.New("there is no such page")

// ask sends requests for a while, each as soon as a connection is free.
func (p *peer) ask(name string, connections int, slice time.Duration) (f Figure, err error) {
	if p.name == "hello" && !strings.HasPrefix(name, "redirect") {
		return f, errNoPage
	}
	f, _, err = p.send(load.Load{Addr: p.addr, Connections: connections, Duration: slice, Request: p.requests(name)}, name == "create")
	return f, err
}

// send sends requests and measures what they take.
func (p *peer) send(l load.Load, creates bool) (f Figure, result *load.Result, err error) {
	commands, memory, keys := p.info()
	program, store := p.spent()
	result, err = l.Run()
	if err != nil {
		return f, nil, err
	}
	program2, store2 := p.spent()
	commands2, memory2, keys2 := p.info()
	requests := float64(result.Requests)
	f.PerSecond = result.PerSecond()
	f.P99 = milliseconds(result.Within(0.99))
	f.CPU = float64((program2 - program).Microseconds()) / requests
	f.Redis = float64((store2 - store).Microseconds()) / requests
	f.Commands = (commands2 - commands) / requests
	f.Bytes = float64(result.Bytes) / requests
	if links := (keys2 - keys) / 2; creates && links > 0 {
		f.Link = (memory2 - memory) / links
	}
	return f, result, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// info returns how many commands the Redis has done, how much memory it uses, and how
// many keys it has.
func (p *peer) info() (commands, memory, keys float64) {
	if p.redis == nil {
		return 0, 0, 0
	}
	_, port, _ := strings.Cut(p.redisAddr, ":")
	text, err := exec.Command("redis-cli", "-p", port, "info", "all").Output()
	if err != nil {
		return 0, 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "total_commands_processed":
			commands, _ = strconv.ParseFloat(value, 64)
		case "used_memory":
			memory, _ = strconv.ParseFloat(value, 64)
		case "db0":
			value, _, _ = strings.Cut(strings.TrimPrefix(value, "keys="), ",")
			keys, _ = strconv.ParseFloat(value, 64)
		}
	}
	return commands, memory, keys
}

func median(list []Figure) Figure {
	of := func(value func(Figure) float64) float64 {
		var values []float64
		for _, f := range list {
			values = append(values, value(f))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return Figure{
		PerSecond: of(func(f Figure) float64 { return f.PerSecond }), P99: of(func(f Figure) float64 { return f.P99 }),
		CPU: of(func(f Figure) float64 { return f.CPU }), Redis: of(func(f Figure) float64 { return f.Redis }),
		Commands: of(func(f Figure) float64 { return f.Commands }), Bytes: of(func(f Figure) float64 { return f.Bytes }),
		Link: of(func(f Figure) float64 { return f.Link }),
	}
}

// tables prints a table for each figure, and one of ratios.
func tables(running []*peer, medians map[string]map[string]Figure) {
	table := func(title string, value func(f Figure) float64) {
		fmt.Printf("\n%s\n\n| |", title)
		for _, name := range cases {
			fmt.Printf(" %s |", name)
		}
		fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(cases)))
		for _, p := range running {
			fmt.Printf("| %s |", p.name)
			for _, name := range cases {
				if f, ok := medians[p.name][name]; ok {
					fmt.Printf(" %.4g |", value(f))
				} else {
					fmt.Print(" – |")
				}
			}
			fmt.Println()
		}
	}
	table("Requests per second", func(f Figure) float64 { return f.PerSecond })
	table("Microseconds of processor time of the program, for a request", func(f Figure) float64 { return f.CPU })
	table("Microseconds of processor time of its Redis, for a request", func(f Figure) float64 { return f.Redis })
	table("Commands of Redis for a request", func(f Figure) float64 { return f.Commands })
	table("99 % of the responses came within, in milliseconds", func(f Figure) float64 { return f.P99 })
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
