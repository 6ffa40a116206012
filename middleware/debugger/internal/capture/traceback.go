package capture

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A traceback is the form in which Go's runtime prints the stacks of goroutines when a program
// dies. Each goroutine begins with a line "goroutine 34 [running]:". Each frame has a line with the
// function and its arguments, and a line with its place, which begins with a tab.

// Goroutine is one goroutine of a traceback.
type Goroutine struct {
	ID int64 `json:"id"`
	// State is what the goroutine was doing: "running", "chan receive, 2 minutes".
	State string `json:"state"`
	// Frames is its stack, newest first.
	Frames []Frame `json:"frames"`
	// Alike is how many more goroutines are in the same state with the same
	// stack, without being listed.
	Alike int `json:"alike,omitempty"`
}

// Where is the newest frame of the application. If all frames belong to libraries, it is the oldest
// frame; without frames it is nil.
func (g Goroutine) Where() *Frame {
	for i, f := range g.Frames {
		if !f.Library && !f.Hidden {
			return &g.Frames[i]
		}
	}
	for i := len(g.Frames) - 1; i >= 0; i-- {
		if i == 0 || g.Frames[i].Function != "runtime.goexit" {
			return &g.Frames[i]
		}
	}
	return nil
}

var (
	goroutineLine = regexp.MustCompile(`(?m)^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[(.*)\]:$`)
	placeLine     = regexp.MustCompile(`^\t(.+\.\w+):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$`)
)

// parseTraceback returns the goroutines in the order of a traceback, beginning with the one that
// died. Lines that are not part of a stack are skipped.
func parseTraceback(text string) (list []Goroutine) {
	function := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := goroutineLine.FindStringSubmatch(line); m != nil {
			id, _ := strconv.ParseInt(m[1], 10, 64)
			list = append(list, Goroutine{ID: id, State: m[2]})
			function = ""
			continue
		}
		if len(list) == 0 {
			continue
		}
		if m := placeLine.FindStringSubmatch(line); m != nil {
			if function != "" {
				number, _ := strconv.Atoi(m[2])
				last := &list[len(list)-1]
				last.Frames = append(last.Frames, Frame{Function: function, File: m[1], Line: number})
			}
			function = ""
			continue
		}
		function = ""
		// "created by" names the function that started the goroutine, but is not one of its frames.
		if at := strings.LastIndexByte(line, '('); at > 0 && strings.HasSuffix(line, ")") && !strings.HasPrefix(line, "created by ") {
			function = line[:at]
		}
	}
	return list
}

// raised drops the newest frames of a stack, in which the runtime raised the fatal error: the stack
// of a panic in a request does not have such frames. It also drops the frames of a library that has
// recovered a panic and raised it again, such as sync.WaitGroup.Go.
func (s *sources) raised(frames []Frame) []Frame {
	runtimes := func(f Frame) bool { return f.Function == "panic" || strings.HasPrefix(f.Function, "runtime.") }
	first := 0
	for i, f := range frames {
		if f.Function == "panic" {
			first = i
		} else if !runtimes(f) && !s.isLibrary(f) {
			break
		}
	}
	for i := first; i < len(frames); i++ {
		if !runtimes(frames[i]) {
			return frames[i:]
		}
	}
	return frames
}

// Goroutines lists the goroutines of a traceback with their facts, each stack once, and says how many more
// there are. The packages in hide are hidden.
func Goroutines(text string, hide []string) (list []Goroutine, more int) {
	list = parseTraceback(text)
	src := &sources{program: self(), hide: hide}
	for _, g := range list {
		for i, f := range g.Frames {
			g.Frames[i].Library, g.Frames[i].Hidden = src.isLibrary(f), hidden(hide, f.Package())
		}
	}
	return grouped(list, maxOthers)
}

// grouped lists each stack once, with the number of goroutines that have it, up
// to limit stacks.
func grouped(list []Goroutine, limit int) (groups []Goroutine, left int) {
	index := map[string]int{}
	for _, g := range list {
		// Waiting for "2 minutes" counts as the same state as waiting.
		state, _, _ := strings.Cut(g.State, ",")
		key := []string{state}
		for _, f := range g.Frames {
			key = append(key, f.Function, f.File, strconv.Itoa(f.Line))
		}
		name := strings.Join(key, "\n")
		if at, ok := index[name]; ok {
			groups[at].Alike++
			continue
		}
		if len(groups) == limit {
			left++
			continue
		}
		index[name] = len(groups)
		g.Frames = slices.Clone(g.Frames)
		groups = append(groups, g)
	}
	return groups, left
}
