// Command static compares the static layers of Zeug and its peers as whole
// servers: requests per second and processor time per request, each server on
// one core, wrk on the other.
//
//	GOWORK=off go run ./static
//
// All servers run at once and get requests in turn, so that a busy machine slows all of them;
// figures are medians of the rounds. The processor time is that of the server's processes, user
// and system. It needs Linux, wrk and taskset, and whichever of nginx, caddy, and gunicorn with
// Werkzeug are to be compared.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
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
)

// question is a row of the tables.
type question struct {
	name, path string
	header     http.Header
}

var questions = []question{
	{"1 KB", "/s/1k.css", nil},
	{"304", "/s/1k.css", http.Header{"If-None-Match": nil, "If-Modified-Since": nil}},
	{"range", "/s/1k.css", http.Header{"Range": {"bytes=100-299"}}},
	{"precompressed", "/s/8k.js", http.Header{"Accept-Encoding": {"gzip"}}},
	{"100 KB", "/s/100k.bin", nil},
	{"256 KB", "/s/256k.bin", nil},
	{"10 MB", "/s/10m.bin", nil},
}

// figure is the measurement of one peer for one request in one round.
type figure struct{ perSecond, micros float64 }

type settings struct {
	server, client string // cores
	connections    int
	slice          time.Duration
}

func main() {
	log.SetFlags(0)
	var s settings
	kind := flag.String("serve", "", "be one of the servers instead: zeug, bare, bare-fields, fileserver, fiber")
	dir := flag.String("dir", ".", "with -serve: the directory to serve")
	addr := flag.String("addr", "127.0.0.1:8081", "with -serve: where to listen")
	maxFile := flag.Int64("maxfile", 0, "with -serve zeug: the size up to which a file is kept in memory")
	rounds := flag.Int("rounds", 7, "how often each server is asked")
	only := flag.String("only", "", "the servers to compare, separated by commas; all by default")
	asked := flag.String("case", "", "the rows to measure, separated by commas; all by default")
	flag.DurationVar(&s.slice, "slice", 2*time.Second, "how long each time; wrk takes whole seconds")
	flag.IntVar(&s.connections, "connections", 64, "of wrk")
	flag.StringVar(&s.server, "core", "0", "the core of the servers")
	flag.StringVar(&s.client, "client", "1", "the core of wrk")
	flag.Parse()
	if *kind != "" {
		log.Fatal(serve(*kind, *dir, *addr, *maxFile))
	}
	chosen := func(list, name string) bool { return list == "" || slices.Contains(strings.Split(list, ","), name) }

	tmp, err := os.MkdirTemp("", "static")
	check(err)
	defer os.RemoveAll(tmp)
	check(os.Chmod(tmp, 0o755))
	root := filepath.Join(tmp, "files")
	makeFiles(root)
	var running []*peer
	for _, p := range peers(tmp, root) {
		if chosen(*only, p.name) && p.start(s) {
			defer p.stop()
			running = append(running, p)
		}
	}
	var rows []question
	for _, q := range questions {
		if chosen(*asked, q.name) {
			rows = append(rows, q)
		}
	}
	figures := make(map[string][]figure)
	for range *rounds {
		for _, q := range rows {
			for _, p := range running {
				if strings.HasPrefix(p.name, "bare") && !bareAnswers(q.name) {
					continue
				}
				f, err := p.ask(s, q)
				if err != nil {
					log.Printf("%s: %s: %v", p.name, q.name, err)
					continue
				}
				key := p.name + "/" + q.name
				figures[key] = append(figures[key], f)
			}
		}
	}
	table := func(title, form string, of func(figure) float64) {
		fmt.Printf("\n%s\n\n| |", title)
		for _, p := range running {
			fmt.Printf(" %s |", p.name)
		}
		fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(running)))
		for _, q := range rows {
			fmt.Printf("| %s |", q.name)
			for _, p := range running {
				if list := figures[p.name+"/"+q.name]; list == nil {
					fmt.Print(" – |")
				} else {
					fmt.Printf(" "+form+" |", median(list, of))
				}
			}
			fmt.Println()
		}
	}
	table("Thousand requests per second", "%.3g", func(f figure) float64 { return f.perSecond / 1000 })
	table("Processor time per request, µs", "%.3g", func(f figure) float64 { return f.micros })
}

func median(list []figure, of func(figure) float64) float64 {
	list = slices.SortedFunc(slices.Values(list), func(a, b figure) int { return cmp.Compare(of(a), of(b)) })
	return of(list[len(list)/2])
}

// makeFiles makes the files that are requested. Their last change is an hour ago.
func makeFiles(root string) {
	check(os.MkdirAll(root, 0o755))
	var text []byte
	for i := range 400 {
		text = fmt.Appendf(text, ".name%d { margin: 0 auto; color: #%06x }\n", i, i*7919%0xffffff)
	}
	noise := make([]byte, 10<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for name, content := range map[string][]byte{
		"1k.css": text[:1<<10], "8k.js": text[:8<<10], "100k.bin": noise[:100<<10], "256k.bin": noise[:256<<10], "10m.bin": noise,
	} {
		check(os.WriteFile(filepath.Join(root, name), content, 0o644))
	}
	check(exec.Command("gzip", "-k", "-9", filepath.Join(root, "8k.js")).Run())
	hour := time.Now().Add(-time.Hour)
	names, err := filepath.Glob(filepath.Join(root, "*"))
	check(err)
	for _, name := range names {
		check(os.Chtimes(name, hour, hour))
	}
}

// ask runs wrk for one row for a while.
func (p *peer) ask(s settings, q question) (figure, error) {
	connections := s.connections
	if q.name == "10 MB" {
		connections = min(connections, 8) // with more connections no download would finish
	}
	arguments := []string{
		"-c", s.client, "wrk", "-t1", "-c", strconv.Itoa(connections),
		"-d", strconv.Itoa(max(1, int(s.slice.Seconds()))) + "s",
	}
	for name, values := range q.header {
		value := ""
		if values != nil {
			value = values[0]
		} else if value = p.validators(q.path)[name]; value == "" {
			continue
		}
		arguments = append(arguments, "-H", name+": "+value)
	}
	before := p.processorTime()
	out, err := exec.Command("taskset", append(arguments, "http://"+p.addr+q.path)...).CombinedOutput()
	spent := p.processorTime() - before
	if err != nil {
		return figure{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	var requests, seconds float64
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[1] == "requests" {
			requests, _ = strconv.ParseFloat(fields[0], 64)
			took, _ := time.ParseDuration(strings.TrimSuffix(fields[3], ","))
			seconds = took.Seconds()
		}
	}
	if requests == 0 {
		return figure{}, errors.New("no answer came to its end")
	}
	return figure{requests / seconds, float64(spent.Microseconds()) / requests}, nil
}

// validators returns the conditional fields for a path, with the validators that the peer sent.
func (p *peer) validators(path string) map[string]string {
	resp, err := http.Get("http://" + p.addr + path)
	check(err)
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	tag, date := resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	if tag == "" && date == "" { // bare looks at neither
		tag, date = `"5bdf6-1234567890abcdef-1"`, "Sun, 09 Sep 2001 01:46:40 GMT"
	}
	return map[string]string{"If-None-Match": tag, "If-Modified-Since": date}
}

// peer is a server.
type peer struct {
	name, addr  string
	command     []string
	environment []string
	process     *exec.Cmd
}

// start reports whether there is such a server here.
func (p *peer) start(s settings) bool {
	if _, err := exec.LookPath(p.command[0]); err != nil {
		log.Printf("%s is not compared: %v", p.name, err)
		return false
	}
	p.process = exec.Command("taskset", append([]string{"-c", s.server}, p.command...)...)
	p.process.Env = append(os.Environ(), p.environment...)
	check(p.process.Start())
	for range 300 {
		if conn, err := net.Dial("tcp", p.addr); err == nil {
			conn.Close()
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Fatalf("%s does not listen", p.name)
	return false
}

func (p *peer) stop() {
	p.process.Process.Signal(syscall.SIGTERM)
	p.process.Wait()
}

// processorTime is the processor time of the process and its descendants.
func (p *peer) processorTime() time.Duration {
	var ticks int64
	pids := []string{strconv.Itoa(p.process.Process.Pid)}
	for len(pids) > 0 {
		pid := pids[0]
		pids = pids[1:]
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:13] {
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
		children, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
		for _, list := range children {
			text, _ := os.ReadFile(list)
			pids = append(pids, strings.Fields(string(text))...)
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
