package dump

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
)

// firstItems is how many items of a list are shown before the rest is opened.
const firstItems = 8

// maxPreview is how many bytes of a value's content are shown before it is
// opened.
const maxPreview = 64

// String returns the value as text, with each inner value on a line of its own,
// indented below the outer one. No byte of it can move a terminal's cursor or
// change its colours.
func (v *Value) String() string {
	var b strings.Builder
	v.write(&b, "")
	return b.String()
}

func (v *Value) write(b *strings.Builder, indent string) {
	parts := []string{v.Name, v.Type, v.Text}
	if len(v.Inside) == 0 && v.Text == "" {
		parts[2] = v.preview()
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	b.WriteString(indent + Visible(strings.Join(parts, " ")))
	b.WriteByte('\n')
	indent += "  "
	for line := range strings.Lines(v.Whole) {
		b.WriteString(indent + "| " + Visible(strings.TrimRight(line, "\r\n")) + "\n")
	}
	for _, inner := range v.Inside {
		inner.write(b, indent)
	}
	if v.Left > 0 {
		b.WriteString(indent + "… " + strconv.Itoa(v.Left) + " more\n")
	}
}

// line is the value on one line, as fmt's %+v writes it, cut at a limit of
// bytes.
func (v *Value) line(limit int) string {
	var b strings.Builder
	v.inLine(&b, limit)
	return Cut(b.String(), limit)
}

// preview is the beginning of the line.
func (v *Value) preview() string {
	var b strings.Builder
	v.inLine(&b, maxPreview)
	text := b.String()
	if end := Boundary(text, maxPreview); end < len(text) {
		return text[:end] + "…"
	}
	return text
}

// inLine stops soon after the limit.
func (v *Value) inLine(b *strings.Builder, limit int) {
	if b.Len() > limit {
		return
	}
	if v.form == plainForm || v.Text != "" {
		b.WriteString(v.Text)
		return
	}
	if v.pointer {
		b.WriteByte('&')
	}
	open, end, named := "{", "}", true
	switch v.form {
	case listForm:
		open, end, named = "[", "]", false
	case mapForm:
		open, end = "map[", "]"
	}
	b.WriteString(open)
	shown := v.Inside
	if v.form != structForm && len(shown) > firstItems+1 {
		shown = shown[:firstItems]
	}
	for i, inner := range shown {
		if i > 0 {
			b.WriteByte(' ')
		}
		if named {
			b.WriteString(inner.Name + ":")
		}
		inner.inLine(b, limit)
	}
	if left := v.Left + len(v.Inside) - len(shown); left > 0 {
		if len(shown) > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("… (" + strconv.Itoa(left) + " more)")
	}
	b.WriteString(end)
}

// unread reports whether there is something in the value that was not read.
func (v *Value) unread() bool {
	return v.closed || slices.ContainsFunc(v.Inside, (*Value).unread)
}

// HTML is the value as a part of a page: lists (ul) in folds (details) that
// open without a script. It has no style, and no address or event handler of
// its own, whatever the value is. To style it, use the elements b of names, i
// of types and code of values in the class "dump".
func (v *Value) HTML() template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="dump">`)
	v.markup(&b, true)
	b.WriteString("</div>")
	return template.HTML(b.String())
}

// opens reports whether there is something inside.
func (v *Value) opens() bool { return len(v.Inside) > 0 || v.Left > 0 || v.Whole != "" }

// insideHTML is only the content of the value.
func (v *Value) insideHTML() template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="dump">`)
	v.list(&b)
	b.WriteString("</div>")
	return template.HTML(b.String())
}

func (v *Value) markup(b *strings.Builder, open bool) {
	folds := v.opens()
	if folds && open {
		b.WriteString("<details open><summary>")
	} else if folds {
		b.WriteString("<details><summary>")
	}
	element := func(tag, text string) {
		if text != "" {
			b.WriteString("<" + tag + ">" + template.HTMLEscapeString(Visible(text)) + "</" + tag + "> ")
		}
	}
	element("b", v.Name)
	element("i", v.Type)
	switch {
	case v.Text != "":
		element("code", v.Text)
	case v.form != plainForm && !open:
		element("code", v.preview())
	}
	if folds {
		b.WriteString("</summary>")
		v.list(b)
		b.WriteString("</details>")
	}
}

func (v *Value) list(b *strings.Builder) {
	if v.Whole != "" {
		b.WriteString(`<pre>` + template.HTMLEscapeString(VisibleLines(v.Whole)) + "</pre>")
		return
	}
	items := func(list []*Value) {
		for _, inner := range list {
			b.WriteString("<li>")
			inner.markup(b, false)
			b.WriteString("</li>\n")
		}
	}
	b.WriteString("<ul>")
	first := len(v.Inside)
	if v.form != structForm && first > firstItems+1 {
		first = firstItems
	}
	items(v.Inside[:first])
	if rest := v.Inside[first:]; len(rest) > 0 {
		b.WriteString("<li><details><summary>" + strconv.Itoa(len(rest)+v.Left) + " more</summary><ul>")
		items(rest)
	}
	if v.Left > 0 {
		b.WriteString("<li>" + strconv.Itoa(v.Left) + " more are not shown</li>")
	}
	if first < len(v.Inside) {
		b.WriteString("</ul></details></li>")
	}
	b.WriteString("</ul>")
}

// Line returns a value on one line, cut at a limit of bytes.
func Line(v *Value, limit int) string { return v.line(limit) }

// Functions are for the templates of pages that show values.
var Functions = template.FuncMap{
	"dumped":  (*Value).insideHTML,
	"unread":  (*Value).unread,
	"opens":   (*Value).opens,
	"preview": (*Value).preview,
	"counted": counted,
	"visible": Visible,
	"lines":   VisibleLines,
}
