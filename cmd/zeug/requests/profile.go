package requests

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/pprof/profile"

	"github.com/zeugkit/zeug/cmd/zeug/waits"
	"github.com/zeugkit/zeug/internal/supervise"
)

const (
	// keptProfiles is how many profiles there are at most. The oldest go.
	keptProfiles = 10
	// armedTime is how long the list waits for the request to profile.
	armedTime = 10 * time.Minute
)

// wanted says which request is profiled: the next one of a method and a rule.
type wanted struct {
	Method, Rule string
	until        time.Time
}

// wants returns the rule of the request that is to be profiled, if a request with this method may be the
// one. It is called under the lock.
func (l *List) wants(method string) string {
	if l.wanted == nil || l.wanted.Method != method {
		return ""
	}
	if time.Now().After(l.wanted.until) {
		l.wanted = nil
		return ""
	}
	return l.wanted.Rule
}

// measured is the profile of a request.
type measured struct {
	supervise.Profile
	// waits reads the trace when it is called first.
	waits func() (*waits.Report, error)
}

// receiveProfile keeps the profile of a request.
func (l *List) receiveProfile(p supervise.Profile) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = nil
	l.profiles = append(l.profiles, &measured{p, sync.OnceValues(func() (*waits.Report, error) { return waits.Read(p.Trace, p.Exchange) })})
	if more := len(l.profiles) - keptProfiles; more > 0 {
		l.profiles = slices.Delete(l.profiles, 0, more)
	}
	l.tell()
}

// profileOf returns the profile of an exchange, nil if there is none.
func (l *List) profileOf(id int) *measured {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.profiles {
		if p.Exchange == id {
			return p
		}
	}
	return nil
}

// profiled has the numbers of the exchanges that have a profile.
func (l *List) profiled() map[int]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := map[int]bool{}
	for _, p := range l.profiles {
		list[p.Exchange] = true
	}
	return list
}

// waitsFor reports whether the next request like e is to be profiled.
func (l *List) waitsFor(e Exchange) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return e.Facts.Rule != "" && l.wants(e.Request.Method) == e.Facts.Rule
}

// serveWant asks for a profile of the next request with the same method and rule.
func (l *List) serveWant(w http.ResponseWriter, r *http.Request, e Exchange) {
	if e.Facts.Rule == "" {
		http.Error(w, "422 no rule matched this request, so the next one is not known", http.StatusUnprocessableEntity)
		return
	}
	l.mu.Lock()
	l.wanted = &wanted{e.Request.Method, e.Facts.Rule, time.Now().Add(armedTime)}
	l.mu.Unlock()
	http.Redirect(w, r, "../"+strconv.Itoa(e.ID), http.StatusSeeOther)
}

// flames is a flame graph with a list of the functions that count most.
type flames struct {
	Name   string
	Total  string
	Height int
	Boxes  []box
	Top    []function
}

// box is a function of a flame graph, inside of the one that called it.
type box struct {
	Name, Text, Value string
	X, Y, Width       string
	Hue               int
}

// function is a line of the list.
type function struct{ Name, Self, Total string }

const (
	boxHeight = 18
	maxFlames = 1500 // boxes
	maxFrames = 64   // frames above each other
	maxTop    = 12
	thinnest  = 1.0 // thousandths: thinner boxes cannot be seen
)

// node is a function at a place of the tree.
type node struct {
	name     string
	value    int64
	children []*node
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name}
	n.children = append(n.children, c)
	return c
}

// treeOf adds up the samples of a profile in a tree of calls that begins at the request.
func treeOf(p *profile.Profile, index int, takes func(*profile.Sample) bool) *node {
	root := &node{name: "request"}
	for _, s := range p.Sample {
		value := s.Value[index]
		if value <= 0 || !takes(s) {
			continue
		}
		frames := framesOf(s)
		root.value += value
		at := root
		for _, name := range frames[:min(len(frames), maxFrames)] {
			at = at.child(name)
			at.value += value
		}
	}
	return root
}

// framesOf is the stack of a sample, the outermost call of the request first.
func framesOf(s *profile.Sample) []string {
	var list []string
	for i := len(s.Location) - 1; i >= 0; i-- {
		lines := s.Location[i].Line
		for j := len(lines) - 1; j >= 0; j-- {
			if f := lines[j].Function; f != nil {
				list = append(list, f.Name)
			}
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		if strings.Contains(list[i], "serving/dev.") {
			return list[i+1:]
		}
	}
	return list
}

// inRequest reports whether a sample of allocations is the request's.
func inRequest(s *profile.Sample) bool {
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil && strings.HasSuffix(line.Function.Name, "serving/dev.runProfiled") {
				return true
			}
		}
	}
	return false
}

// cpuFlames draws where processor time was spent.
func cpuFlames(p *supervise.Profile) (*flames, error) {
	parsed, err := profile.ParseData(p.CPU)
	if err != nil {
		return nil, fmt.Errorf("read the CPU profile: %w", err)
	}
	id := strconv.Itoa(p.Exchange)
	tree := treeOf(parsed, len(parsed.SampleType)-1, func(s *profile.Sample) bool {
		return slices.Contains(s.Label[supervise.ProfileLabel], id)
	})
	return drawn("CPU", tree, func(v int64) string { return durationText(time.Duration(v)) }), nil
}

// allocFlames draws what was allocated, in bytes.
func allocFlames(p *supervise.Profile) (*flames, error) {
	after, err := profile.ParseData(p.Allocs)
	if err != nil {
		return nil, fmt.Errorf("read the profile of allocations: %w", err)
	}
	before, err := profile.ParseData(p.AllocsBefore)
	if err != nil {
		return nil, fmt.Errorf("read the profile of allocations: %w", err)
	}
	before.Scale(-1)
	difference, err := profile.Merge([]*profile.Profile{after, before})
	if err != nil {
		return nil, fmt.Errorf("compare the profiles of allocations: %w", err)
	}
	index := slices.IndexFunc(difference.SampleType, func(t *profile.ValueType) bool { return t.Type == "alloc_space" })
	if index < 0 {
		return nil, fmt.Errorf("the profile of allocations has no %q", "alloc_space")
	}
	return drawn("Allocations", treeOf(difference, index, inRequest), size), nil
}

// drawn lays a tree out. It returns nil for an empty one.
func drawn(name string, tree *node, text func(int64) string) *flames {
	if tree.value == 0 {
		return nil
	}
	f := &flames{Name: name, Total: text(tree.value), Top: topOf(tree, text)}
	deepest := 0
	var place func(n *node, x float64, depth int)
	place = func(n *node, x float64, depth int) {
		width := float64(n.value) / float64(tree.value) * 1000
		if width < thinnest || len(f.Boxes) == maxFlames {
			return
		}
		deepest = max(deepest, depth)
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
		f.Boxes = append(f.Boxes, box{
			Name: n.name, Text: fitting(shortName(n.name), width), Value: text(n.value), Hue: hueOf(n.name),
			X: number(x), Y: strconv.Itoa(depth * boxHeight), Width: number(width),
		})
		slices.SortStableFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
		for _, c := range n.children {
			place(c, x, depth+1)
			x += float64(c.value) / float64(tree.value) * 1000
		}
	}
	place(tree, 0, 0)
	f.Height = (deepest + 1) * boxHeight
	return f
}

// fitting cuts a name to the width of its box: a letter takes about 7 of 1000 units.
func fitting(name string, width float64) string {
	letters := int((width - 6) / 6.5)
	switch runes := []rune(name); {
	case letters >= len(runes):
		return name
	case letters < 3:
		return ""
	default:
		return string(runes[:letters-1]) + "…"
	}
}

// shortName is a function without the path of its package.
func shortName(name string) string {
	before, rest, generic := strings.Cut(name, "[")
	before = before[strings.LastIndexByte(before, '/')+1:]
	if generic {
		return before + "[" + rest
	}
	return before
}

// hueOf returns one of the five colours of a graph, the same for all functions of a package.
func hueOf(name string) int {
	pkg := name[:strings.LastIndexByte(name, '/')+1]
	short, _, _ := strings.Cut(shortName(name), ".")
	sum := 0
	for _, c := range pkg + short {
		sum = (sum*31 + int(c)) % 1_000_003
	}
	return sum % 5
}

// topOf lists the functions with the largest values. The value of a function does not include the
// functions that it calls.
func topOf(tree *node, text func(int64) string) []function {
	self, total := map[string]int64{}, map[string]int64{}
	var walk func(n *node, inside map[string]bool)
	walk = func(n *node, inside map[string]bool) {
		own := n.value
		first := !inside[n.name]
		inside[n.name] = true
		for _, c := range n.children {
			own -= c.value
			walk(c, inside)
		}
		if first {
			total[n.name] += n.value // a recursion counts once
			delete(inside, n.name)
		}
		self[n.name] += own
	}
	for _, c := range tree.children {
		walk(c, map[string]bool{})
	}
	names := make([]string, 0, len(self))
	for name, value := range self {
		if value > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if self[a] != self[b] {
			return int(min(max(self[b]-self[a], -1), 1))
		}
		return strings.Compare(a, b)
	})
	var list []function
	for _, name := range names[:min(len(names), maxTop)] {
		list = append(list, function{name, text(self[name]), text(total[name])})
	}
	return list
}

// profilePage is the page of a profile.
type profilePageData struct {
	Exchange
	Nonce string
	Notes []string
	// Flames are the graphs that are not empty.
	Flames   []*flames
	HasTrace bool
	// Waits is nil if they are not known.
	Waits *shownWaits
}

// serveProfile shows the profile of a request, or sends one of its files.
func (l *List) serveProfile(w http.ResponseWriter, r *http.Request, e Exchange) {
	p := l.profileOf(e.ID)
	if p == nil {
		http.Error(w, "404 there is no profile of this request: the last ten are kept", http.StatusNotFound)
		return
	}
	if file := r.URL.Query().Get("file"); file != "" {
		serveProfileFile(w, r, p, file)
		return
	}
	page := profilePageData{Exchange: e, Nonce: policy(w), Notes: slices.Clone(p.Notes), HasTrace: len(p.Trace) > 0}
	for _, part := range []struct {
		data []byte
		draw func(*supervise.Profile) (*flames, error)
		none string
	}{
		{p.CPU, cpuFlames, "The CPU profile has no samples: the request computed for some milliseconds at most."},
		{p.Allocs, allocFlames, "The request allocated nothing."},
	} {
		if len(part.data) == 0 {
			continue // a note says why
		}
		f, err := part.draw(&p.Profile)
		switch {
		case err != nil:
			page.Notes = append(page.Notes, err.Error())
		case f == nil:
			page.Notes = append(page.Notes, part.none)
		default:
			page.Flames = append(page.Flames, f)
		}
	}
	if page.HasTrace {
		report, err := p.waits()
		if err != nil {
			page.Notes = append(page.Notes, err.Error())
		} else {
			page.Waits = &shownWaits{report}
		}
	}
	render(w, profilePage, "", page)
}

func serveProfileFile(w http.ResponseWriter, r *http.Request, p *measured, name string) {
	file, ok := map[string][]byte{"cpu.pprof": p.CPU, "allocs.pprof": p.Allocs, "request.trace": p.Trace}[name]
	if !ok || len(file) == 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+name)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
}
