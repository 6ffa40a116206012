package dev

import (
	"context"
	"log"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/supervise"
)

// Limits for the log records that are kept for a request. A part of each is reserved for warnings
// and errors, which may come after many records that matter less.
const (
	maxRecords     = 200
	maxRecordBytes = 64 << 10
	forWarnings    = 4 // the reserved part: a fourth

	maxAttrs     = 32
	maxKey       = 128
	maxLogString = 2 << 10 // of a message or a value
)

// recordedLogs are the log records of a request. The lock of its recorder guards them.
type recordedLogs struct {
	list   []slog.Record      // whose attributes are strings
	texts  [][]supervise.Attr // of each record
	bytes  int
	missed int
}

// hasRoom reports whether a record of a level can be kept.
func (l *recordedLogs) hasRoom(level slog.Level) bool {
	records, bytes := maxRecords, maxRecordBytes
	if level < slog.LevelWarn {
		records, bytes = records-records/forWarnings, bytes-bytes/forWarnings
	}
	return len(l.list) < records && l.bytes < bytes
}

// logs passes records on to another handler, and keeps those of requests that have a recorder. It
// finds the request in the context of the record; records without one are not kept.
type logs struct {
	next   slog.Handler
	prefix string           // of the groups that are open
	attrs  []supervise.Attr // of WithAttrs
}

var _ slog.Handler = (*logs)(nil)

// recordLogs returns a handler that passes records on to next and keeps those of requests.
func recordLogs(next slog.Handler) slog.Handler {
	if _, ok := next.(*logs); ok {
		return next
	}
	return &logs{next: next}
}

func recorderOf(ctx context.Context) *recorder {
	if ctx == nil {
		return nil
	}
	r, _ := ctx.Value(recording.Key{}).(*recorder)
	return r
}

// Enabled accepts all levels while a request is served: the page also shows records that the
// program does not write.
func (l *logs) Enabled(ctx context.Context, level slog.Level) bool {
	if l.next.Enabled(ctx, level) {
		return true
	}
	r := recorderOf(ctx)
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.over
}

// Handle keeps the record, and passes it on.
func (l *logs) Handle(ctx context.Context, record slog.Record) error {
	if r := recorderOf(ctx); r != nil {
		r.log(l, record)
	}
	if !l.next.Enabled(ctx, record.Level) {
		return nil
	}
	return l.next.Handle(ctx, record)
}

// WithAttrs is slog.Handler's.
func (l *logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := &logs{next: l.next.WithAttrs(attrs), prefix: l.prefix, attrs: slices.Clip(l.attrs)}
	for _, a := range attrs {
		c.attrs = appendAttr(c.attrs, l.prefix, a)
	}
	return c
}

// WithGroup is slog.Handler's.
func (l *logs) WithGroup(name string) slog.Handler {
	c := &logs{next: l.next.WithGroup(name), prefix: l.prefix, attrs: l.attrs}
	if name != "" {
		c.prefix += cut(name, maxKey) + "."
	}
	return c
}

// log keeps a record. A value is converted to a string at once, since it may change later.
func (r *recorder) log(l *logs, record slog.Record) {
	r.mu.Lock()
	open := !r.over && !r.logs.has(record)
	room := open && r.logs.hasRoom(record.Level)
	if open && !room {
		r.logs.missed++
	}
	r.mu.Unlock()
	if !room {
		return
	}
	attrs := slices.Clip(l.attrs) // values may log while they are written, so there is no lock here
	record.Attrs(func(a slog.Attr) bool {
		attrs = appendAttr(attrs, l.prefix, a)
		return len(attrs) < maxAttrs
	})
	kept := slog.Record{Time: record.Time, Message: cut(record.Message, maxLogString), Level: record.Level, PC: record.PC}
	size := len(kept.Message)
	for _, a := range attrs {
		size += len(a.Name) + len(a.Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
	case !r.logs.hasRoom(record.Level):
		r.logs.missed++
	default:
		r.logs.list = append(r.logs.list, kept)
		r.logs.texts = append(r.logs.texts, attrs)
		r.logs.bytes += size
	}
}

// has reports whether a record is the same as the last one. A record comes twice if one such
// handler is inside another.
func (l *recordedLogs) has(record slog.Record) bool {
	if len(l.list) == 0 || record.Time.IsZero() {
		return false
	}
	last := &l.list[len(l.list)-1]
	return last.Time.Equal(record.Time) && last.PC == record.PC && last.Message == cut(record.Message, maxLogString)
}

// appendAttr appends an attribute as text, and the attributes of a group one by one.
func appendAttr(list []supervise.Attr, prefix string, a slog.Attr) []supervise.Attr {
	if len(list) >= maxAttrs || a.Equal(slog.Attr{}) {
		return list
	}
	value := a.Value.Resolve()
	name := prefix + cut(a.Key, maxKey)
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			name += "."
		}
		for _, member := range value.Group() {
			list = appendAttr(list, name, member)
		}
		return list
	}
	return append(list, supervise.Attr{Name: cut(name, maxKey), Value: cut(textOf(value), maxLogString)})
}

func textOf(value slog.Value) string {
	if value.Kind() == slog.KindAny {
		if b, ok := value.Any().([]byte); ok {
			return string(b[:min(len(b), maxLogString+1)])
		}
	}
	return value.String()
}

// cut returns the beginning of a long string.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// told returns the records in the form for the supervisor.
func (l *recordedLogs) told(began time.Time) []supervise.LogRecord {
	var list []supervise.LogRecord
	for i, record := range l.list {
		list = append(list, supervise.LogRecord{
			At: max(record.Time.Sub(began), 0), Level: record.Level.String(), Message: record.Message,
			Attrs: l.texts[i], Source: sourceOf(record.PC),
		})
	}
	return list
}

// sourceOf returns the folder, file and line of a program counter, or "" without one.
func sourceOf(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	if frame.File == "" {
		return ""
	}
	return filepath.Join(filepath.Base(filepath.Dir(frame.File)), filepath.Base(frame.File)) + ":" + strconv.Itoa(frame.Line)
}

var following sync.Mutex

// followDefault keeps the records of slog's default logger, whichever logger the program has set.
// The standard logger, which writes without a context, keeps writing as before.
func followDefault() {
	if _, ok := slog.Default().Handler().(*logs); ok {
		return
	}
	following.Lock()
	defer following.Unlock()
	handler := slog.Default().Handler()
	if _, ok := handler.(*logs); ok {
		return
	}
	// SetDefault makes the standard logger write to the handler, which may itself write to the
	// standard logger.
	out, flags := log.Writer(), log.Flags()
	slog.SetDefault(slog.New(recordLogs(handler)))
	log.SetOutput(out)
	log.SetFlags(flags)
}
