package reload

import (
	"regexp"
	"strconv"
	"strings"
)

// A program may be in another language: "zeug serve" runs Python, whose
// tracebacks name the innermost call last.

var raisedAt = regexp.MustCompile(`(?m)^ *File "(.+?)", line (\d+)`)

// raised returns the places in the author's own source where a process with a Python traceback
// failed, beginning with the innermost.
func (s *Supervisor) raised(p *Process) (found []Problem) {
	text := p.output.String()
	at := strings.LastIndex(text, tracebackHead)
	if at < 0 {
		return nil
	}
	text = text[at+len(tracebackHead):]
	message := exceptionOf(text)
	frames := raisedAt.FindAllStringSubmatch(text, -1)
	for i := len(frames) - 1; i >= 0 && len(found) < 3; i-- {
		if s.relative(frames[i][1]) == frames[i][1] {
			continue // of a library
		}
		line, _ := strconv.Atoi(frames[i][2])
		found = append(found, Problem{File: frames[i][1], Line: line, Message: message})
		message = ""
	}
	return found
}

const tracebackHead = "Traceback (most recent call last):\n"

// exceptionOf returns the first line after the frames, which are indented.
func exceptionOf(traceback string) string {
	for line := range strings.Lines(traceback) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != ' ' {
			return line
		}
	}
	return ""
}
