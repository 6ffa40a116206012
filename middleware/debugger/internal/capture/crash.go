package capture

import (
	"debug/buildinfo"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// Crash is the end of a whole process: a panic that no request caught, two goroutines that write to
// a map at once, a signal. The supervisor that started the process reports it; [Crash.Report] turns
// it into a report.
type Crash struct {
	// Output is the end of what the process printed.
	Output string
	// Traceback is the last message of Go's runtime, if it was read separately. If it is empty,
	// Report searches Output for it.
	Traceback string
	// Ended is how the process ended: "exit status 2".
	Ended string
	// Program is the path of the executable.
	Program string
	// Dir is a folder of the program's module. Sources are looked for below it
	// if -trimpath has removed the folder from their names.
	Dir string
}

// maxOthers is how many different stacks are shown besides the one that died.
const maxOthers = 100

var (
	words    = regexp.MustCompile(`(?m)^(?:panic: |fatal error: |SIG[A-Z]+: )`)
	signaled = regexp.MustCompile(`\n?\[signal (.+)\]`)
)

// Report describes the crash. It reports false if the process left no traceback, because it ended
// by itself or was killed.
func (c Crash) Report() (*Report, bool) {
	head, text := c.lastWords()
	list := parseTraceback(text)
	if len(list) == 0 {
		return nil, false
	}
	rep := &Report{ID: "crash", Time: time.Now(), Ended: c.Ended, Output: secret.Text(c.Output, Masked, secret.Name), Goroutines: len(list)}
	rep.Message = secret.Text(strings.TrimSpace(head), Masked, secret.Name)
	if rest, ok := strings.CutPrefix(rep.Message, "panic: "); ok {
		rep.Panicked, rep.Message = true, rest
	}
	if rep.Message == "" {
		rep.Message = c.Ended
	}
	src := sourcesOf(c.Program, c.Dir, list)
	first := list[0]
	rep.Goroutine = first.ID
	rep.Frames = src.complete(foldCycles(src.raised(first.Frames)))
	rep.Others, rep.More = grouped(list[1:], maxOthers)
	for i, g := range rep.Others {
		rep.Others[i].Frames = src.complete(foldCycles(g.Frames))
	}
	if info, err := buildinfo.ReadFile(c.Program); err == nil {
		rep.Build = buildFields(info)
	}
	return rep, true
}

// lastWords returns the last message of the runtime, and the stacks.
func (c Crash) lastWords() (head, stacks string) {
	text := c.Traceback
	if text == "" {
		all := words.FindAllStringIndex(c.Output, -1)
		for i := len(all) - 1; i >= 0; i-- {
			if at := all[i][0]; goroutineLine.MatchString(c.Output[at:]) {
				text = c.Output[at:]
				break
			}
		}
	}
	at := goroutineLine.FindStringIndex(text)
	if at == nil {
		return "", ""
	}
	head, stacks = strings.TrimSpace(text[:at[0]]), text[at[0]:]
	if !words.MatchString(head) {
		// The runtime prints the name of a fatal error before it counts the
		// program as dying, so the name is only in the output.
		if all := words.FindAllStringIndex(c.Output, -1); all != nil {
			line, _, _ := strings.Cut(c.Output[all[len(all)-1][0]:], "\n")
			head = strings.TrimSpace(line + "\n" + head)
		}
	}
	return signaled.ReplaceAllString(head, "\n$1"), stacks
}

// sourcesOf finds source files as the program itself would. dir is a folder of its module.
func sourcesOf(executable, dir string, list []Goroutine) *sources {
	src := &sources{program: program{root: place.ModuleRoot(dir)}}
	if info, err := buildinfo.ReadFile(executable); err == nil {
		src.program.module = info.Main.Path
	}
	for _, g := range list {
		for _, f := range g.Frames {
			// The runtime's own folder has functions of package time, too.
			if root, _, ok := strings.Cut(filepath.ToSlash(f.File), "/src/runtime/"); ok && slices.Contains([]string{"panic", "runtime", "time"}, f.Package()) {
				src.program.goroot = root + "/src/"
				return src
			}
		}
	}
	src.program.goroot = place.GoRoot()
	return src
}

// complete adds the known facts about their files to frames.
func (s *sources) complete(frames []Frame) []Frame {
	for i := range frames {
		frames[i].Library = s.isLibrary(frames[i])
		frames[i].Source = s.around(frames[i].File, frames[i].Line)
	}
	return frames
}
