package debugger

import (
	"go/scanner"
	gotoken "go/token"
	"html/template"
	"strings"
)

// token is a piece of a source line with the class that colours it: "k" for
// keywords, "s" strings, "n" numbers, "c" comments, "" all else.
type token struct {
	class, text string
}

// highlight splits a Go source text into lines of tokens. Text that is not Go
// comes out uncoloured, never changed.
func highlight(text string) []SourceLine {
	b := lineBuilder{}
	files := gotoken.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var scan scanner.Scanner
	scan.Init(file, []byte(text), func(gotoken.Position, string) {}, scanner.ScanComments)
	done := 0
	for {
		pos, tok, lit := scan.Scan()
		if tok == gotoken.EOF {
			break
		}
		class := ""
		switch {
		case tok == gotoken.COMMENT:
			class = "c"
		case tok == gotoken.STRING || tok == gotoken.CHAR:
			class = "s"
		case tok == gotoken.INT || tok == gotoken.FLOAT || tok == gotoken.IMAG:
			class = "n"
		case tok.IsKeyword():
			class = "k"
		default:
			continue
		}
		// The scanner drops carriage returns from what it reads, so a raw
		// string's length is looked for rather than trusted.
		start := file.Offset(pos)
		end := start + len(lit)
		if start < done || end > len(text) || strings.Contains(text[start:end], "\r") {
			continue
		}
		b.add("", text[done:start])
		b.add(class, text[start:end])
		done = end
	}
	b.add("", text[done:])
	return b.finish()
}

// plain splits a text into lines without colour.
func plain(text string) []SourceLine {
	b := lineBuilder{}
	b.add("", text)
	return b.finish()
}

// lineBuilder collects tokens into lines.
type lineBuilder struct {
	lines []SourceLine
	line  SourceLine
}

func (b *lineBuilder) add(class, text string) {
	for {
		part, rest, more := strings.Cut(text, "\n")
		if part = strings.TrimSuffix(part, "\r"); part != "" {
			b.line.Text += part
			b.line.tokens = append(b.line.tokens, token{class, part})
		}
		if !more {
			return
		}
		b.end()
		text = rest
	}
}

func (b *lineBuilder) end() {
	b.line.Number = len(b.lines) + 1
	b.lines = append(b.lines, b.line)
	b.line = SourceLine{}
}

func (b *lineBuilder) finish() []SourceLine {
	if b.line.Text != "" {
		b.end()
	}
	return b.lines
}

// HTML is the line as markup.
func (l SourceLine) HTML() template.HTML {
	var b strings.Builder
	for _, t := range l.tokens {
		text := template.HTMLEscapeString(visible(t.text))
		if t.class == "" {
			b.WriteString(text)
			continue
		}
		b.WriteString(`<i class=` + t.class + `>` + text + `</i>`)
	}
	return template.HTML(b.String())
}
