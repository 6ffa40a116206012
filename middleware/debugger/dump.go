package debugger

import "github.com/zeugkit/zeug/middleware/debugger/internal/dump"

// Value describes what a Go value held when it was dumped, see [Debugger.Dump].
// It is a copy: it no longer changes, and keeps nothing of the original value
// alive. Its fields are
//
//	Name    the struct's field, the index or the map's key, "" for the value that was dumped
//	Type    the Go type: for an interface, the type of its content
//	Text    a value without parts as Go writes it, else the result of Error or String
//	Whole   the whole string if Text has only its beginning, up to 8 KiB
//	Inside  the fields, the items, or the entries in the order of their keys
//	Left    how many of them are left out
//
// The method String writes it for a log, and HTML for a page.
type Value = dump.Value

// Dump reads a value for your own page or log: its methods HTML and String show it. It goes 6
// levels deep, shows up to 64 items of each list and 2000 values in all, strings up to 8 KiB each
// and 64 KiB together, and says what it leaves out. Values with names that Debugger.Secret calls
// secret are masked, and so are cookies in a header. The method String of a type with such a field
// is not called. Methods of unexported fields are not called. Methods that panic do no harm, and
// Dump waits at most half a second for all of them together.
//
// As with package fmt, no other goroutine may write to the value meanwhile: a
// map that is written to while it is read ends the process. The debugger's own
// pages show less of a value, because they cannot know whether a goroutine
// writes to it. It corresponds to Werkzeug's debug_repr and dump.
func (d Debugger) Dump(value any) *Value {
	return dump.Owned(value, d.secret())
}
