package serving

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

// terminal is a handler that writes records for a person to read: requests as Werkzeug prints them,
// coloured by their status, and everything else as a line with its attributes. A value from a
// client cannot move the cursor or begin a line.
type terminal struct {
	out    *lockedWriter
	attrs  []slog.Attr
	prefix string // of groups
}

type lockedWriter struct {
	mu sync.Mutex
	io.Writer
	coloured bool
}

func newTerminal(w io.Writer) *terminal {
	return &terminal{out: &lockedWriter{Writer: w, coloured: hasColours()}}
}

// hasColours reports whether colours are wanted; see https://no-color.org. A
// dumb terminal has none.
func hasColours() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

// Every escape sequence in the output is one of these, because strings from outside are escaped.
var withoutColours = strings.NewReplacer(red, "", green, "", yellow, "", cyan, "", magenta, "", bold, "", reset, "")

// Enabled accepts records from level Info up.
func (t *terminal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs is slog.Handler's.
func (t *terminal) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *t
	for _, a := range attrs {
		a.Key = t.prefix + a.Key
		next.attrs = append(next.attrs[:len(next.attrs):len(next.attrs)], a)
	}
	return &next
}

// WithGroup is slog.Handler's.
func (t *terminal) WithGroup(name string) slog.Handler {
	next := *t
	next.prefix += name + "."
	return &next
}

// Handle prints a record.
func (t *terminal) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if r.Message == "request" {
		t.request(&b, r)
	} else {
		t.message(&b, r)
	}
	b.WriteByte('\n')
	line := b.String()
	if !t.out.coloured {
		line = withoutColours.Replace(line)
	}
	t.out.mu.Lock()
	defer t.out.mu.Unlock()
	_, err := io.WriteString(t.out, line)
	return err
}

const (
	red, green, yellow = "\x1b[31m", "\x1b[32m", "\x1b[33m"
	cyan, magenta      = "\x1b[36m", "\x1b[35m"
	bold, reset        = "\x1b[1m", "\x1b[0m"
	boldRed            = red + bold
	boldMagenta        = magenta + bold
)

// colour returns Werkzeug's colour for a status.
func colour(status int64) string {
	switch {
	case status < 200:
		return bold
	case status < 300:
		return ""
	case status == http.StatusNotModified:
		return cyan
	case status < 400:
		return green
	case status == http.StatusNotFound:
		return yellow
	case status < 500:
		return boldRed
	}
	return boldMagenta
}

// request prints: 127.0.0.1 - - [21/Nov/2026 10:00:00] "GET / HTTP/1.1" 200 12 1.5ms
func (t *terminal) request(b *strings.Builder, r slog.Record) {
	var client, method, uri, proto, took string
	var status, bytes int64
	var more []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "client":
			client = a.Value.String()
		case "method":
			method = a.Value.String()
		case "uri":
			uri = a.Value.String()
		case "proto":
			proto = a.Value.String()
		case "status":
			status = a.Value.Int64()
		case "bytes":
			bytes = a.Value.Int64()
		case "took":
			took = a.Value.Duration().Round(10 * time.Microsecond).String()
		case "panicked", "client_left", "hijacked", "request_id":
			more = append(more, a)
		}
		return true
	})
	b.WriteString(plain(client) + " - - [" + r.Time.Format("02/Jan/2006 15:04:05") + "] \"")
	c := colour(status)
	b.WriteString(c + plain(method+" "+uri+" "+proto))
	if c != "" {
		b.WriteString(reset)
	}
	b.WriteString("\" " + strconv.FormatInt(status, 10) + " " + strconv.FormatInt(bytes, 10) + " " + took)
	for _, a := range append(t.attrs[:len(t.attrs):len(t.attrs)], more...) {
		b.WriteString(" " + a.Key + "=" + plain(a.Value.String()))
	}
}

// message prints " * detected change, reloading file=…". Values of several
// lines follow on separate lines.
func (t *terminal) message(b *strings.Builder, r slog.Record) {
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString(boldRed + " ! " + plain(r.Message) + reset)
	case r.Level >= slog.LevelWarn:
		b.WriteString(yellow + " ! " + plain(r.Message) + reset)
	default:
		b.WriteString(" * " + plain(r.Message))
	}
	var long []string
	add := func(prefix string, a slog.Attr) bool {
		text := a.Value.Resolve().String()
		if strings.Contains(text, "\n") {
			long = append(long, text)
		} else if text != "" {
			b.WriteString(" " + prefix + a.Key + "=" + plain(text))
		}
		return true
	}
	for _, a := range t.attrs {
		add("", a)
	}
	r.Attrs(func(a slog.Attr) bool { return add(t.prefix, a) })
	for _, text := range long {
		for line := range strings.Lines(text) {
			b.WriteString("\n   " + strings.ReplaceAll(plain(strings.TrimRight(line, "\n")), `\t`, "\t"))
		}
	}
}

// plain escapes invisible characters, and also the backslash, so that the two can be distinguished.
func plain(s string) string {
	for _, c := range s {
		if c < ' ' || c == 0x7f || c == '\\' || !strconv.IsPrint(c) {
			quoted := strconv.Quote(s)
			return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
		}
	}
	return s
}

var toTerminal, toPipe = slog.New(newTerminal(os.Stderr)), slog.New(slog.NewJSONHandler(os.Stderr, nil))

// DefaultLogger returns the default of Options.Logger: plain lines on a
// terminal, with requests as Werkzeug prints them, and JSON if standard error
// is not a terminal. The variables NO_COLOR (not empty) and TERM=dumb switch
// the colours off.
func DefaultLogger() *slog.Logger {
	if supervise.OnTerminal() {
		return toTerminal
	}
	return toPipe
}
