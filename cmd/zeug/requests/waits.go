package requests

import (
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/cmd/zeug/waits"
	"github.com/zeugkit/zeug/internal/editor"
)

// shownWaits is a report with sentences about it.
type shownWaits struct{ *waits.Report }

// Times says how the request's goroutine spent the time in which it did not wait.
func (s shownWaits) Times() string {
	text := "It ran for " + durationText(s.Ran) + ", was ready but had no processor for " + durationText(s.Ready) +
		", and was in system calls for " + durationText(s.InSystem) + "."
	if s.Assisted > 0 {
		text += " It worked for the garbage collector for " + durationText(s.Assisted) + "."
	}
	return text
}

// Missing says what is not listed.
func (s shownWaits) Missing() []string {
	var list []string
	if s.IsCut {
		list = append(list, "The trace has only the last "+durationText(s.Took)+" of the request. Its beginning was dropped, because so much happened in the program.")
	}
	if s.IsFull {
		list = append(list, "There were so many waits that some are not counted.")
	}
	if s.Others.Count > 0 {
		list = append(list, counted(s.Others.Count, "more wait")+" took "+durationText(s.Others.Time)+" in all.")
	}
	if s.Short.Count > 0 {
		list = append(list, counted(s.Short.Count, "wait")+" shorter than "+strconv.Itoa(int(waits.Shortest/time.Microsecond))+" µs took "+durationText(s.Short.Time)+" in all.")
	}
	return list
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// placed is a place in short form: the file with its folder, and the line.
func placed(p waits.Place) string {
	dir, file := path.Split(p.File)
	return path.Join(path.Base(dir), file) + ":" + strconv.Itoa(p.Line)
}

// editLink opens a place in the editor, if its file is on this machine.
func editLink(p waits.Place) template.URL {
	file := filepath.FromSlash(p.File)
	if strings.ContainsRune(file, 0) {
		return ""
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return editor.Link(editor.Pattern(""), file, p.Line, 1)
}
