package capture

import (
	"fmt"
	"strings"

	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
)

// Text is the report as plain text, the traceback of the log. No byte of it can
// move a terminal's cursor or change its colours.
func (rep *Report) Text() string {
	var t traceback
	t.title(rep)
	t.causes(rep.Causes)
	t.line("")
	t.occasion(rep)
	t.line("")
	t.stack(rep.Frames)
	for _, g := range rep.Others {
		t.line("")
		t.goroutine(&g)
	}
	if len(rep.Log) > 0 {
		t.line("")
		t.line("log of the request:")
		for _, line := range rep.Log {
			t.line("\t%s", line)
		}
	}
	if rep.Fate != "" {
		t.line("")
		t.line("%s", rep.Fate)
	}
	return t.text.String()
}

// traceback is the text of a report while it is written.
type traceback struct{ text strings.Builder }

func (t *traceback) line(format string, args ...any) {
	t.text.WriteString(dump.VisibleLines(fmt.Sprintf(format, args...)))
	t.text.WriteByte('\n')
}

// title says what happened.
func (t *traceback) title(rep *Report) {
	kind := "error: "
	switch {
	case rep.Panicked:
		kind = "panic: "
	case rep.Ended != "":
		kind = "" // the message is clear by itself
	}
	title := kind + strings.ReplaceAll(rep.Message, "\n", "\n\t")
	if rep.Type != "" {
		title += " (" + rep.Type + ")"
	}
	t.line("%s", title)
}

// causes lists the errors in the error. The first is the error of the title.
func (t *traceback) causes(causes []Cause) {
	for i, cause := range causes {
		switch indent := strings.Repeat("  ", cause.Depth); {
		case i == 0:
		case cause.Cyclic:
			t.line("%scaused by itself: %s", indent, dump.Visible(cause.Type))
		default:
			t.line("%scaused by: %s (%s)", indent, dump.Visible(cause.Message), dump.Visible(cause.Type))
		}
		if cause.Fields != nil {
			t.line("%s  with %s", strings.Repeat("  ", cause.Depth), dump.Visible(dump.Line(cause.Fields, dump.MaxText)))
		}
	}
}

// occasion says during which request it happened, or which requests were cut when the program
// ended.
func (t *traceback) occasion(rep *Report) {
	if rep.Ended != "" {
		t.line("the program ended: %s", dump.Visible(rep.Ended))
		for _, r := range rep.Requests {
			t.line("on its way: %s %s", dump.Visible(r.Name), dump.Visible(r.Value))
		}
	} else {
		t.line("%s %s from %s", dump.Visible(rep.Request.Method), dump.Visible(rep.Request.URL), dump.Visible(rep.Request.Client))
	}
	if rep.Rule != "" {
		t.line("matched %s", dump.Visible(rep.Rule))
	}
	if rep.Origin != "" {
		t.line("%s", rep.Origin)
	}
}

func (t *traceback) goroutine(g *Goroutine) {
	alike := ""
	if g.Alike > 0 {
		alike = fmt.Sprintf(", and %d alike", g.Alike)
	}
	t.line("goroutine %d [%s]%s:", g.ID, dump.Visible(g.State), alike)
	t.stack(g.Frames)
}

// stack lists frames. Hidden frames that follow each other are counted in one line.
func (t *traceback) stack(frames []Frame) {
	folded := 0
	for i, frame := range frames {
		if frame.Omitted > 0 {
			t.line("(%d calls are left out)", frame.Omitted)
		}
		if frame.Cycle > 0 {
			t.line("(the next %d calls repeat %d more times)", frame.Cycle, frame.Repeated)
		}
		if frame.Panicked {
			t.line("that was while another panic was on its way, raised here:")
		}
		if !frame.Hidden {
			t.frame(&frame)
			continue
		}
		if folded++; i+1 == len(frames) || !frames[i+1].Hidden {
			t.line("(hidden: %d)", folded)
			folded = 0
		}
	}
}

// frame is a function call, with the line of source if the function belongs to the application.
func (t *traceback) frame(frame *Frame) {
	t.line("%s", dump.Visible(frame.Function))
	if frame.Line == 0 {
		t.line("\t%s", dump.Visible(frame.File))
		return
	}
	t.line("\t%s:%d", dump.Visible(frame.File), frame.Line)
	for _, source := range frame.Source {
		if source.Current && !frame.Library {
			t.line("\t    %s", strings.TrimSpace(dump.Visible(source.Text)))
		}
	}
	if frame.Repeated > 0 && frame.Cycle == 0 {
		t.line("\t(and %d more times)", frame.Repeated)
	}
}
