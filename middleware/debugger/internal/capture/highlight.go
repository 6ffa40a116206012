package capture

import (
	"go/scanner"
	gotoken "go/token"
	"html/template"
	"strings"

	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
)

// token is a piece of a source line with the class that colours it: "k" for
// keywords, "s" for strings, "n" for numbers, "c" for comments, "" for the
// rest.
type token struct {
	class, text string
}

// highlight splits a Go source text into lines of tokens. Text that is not Go
// stays uncoloured and unchanged.
func highlight(text string) []SourceLine {
	b := newLineBuilder(text)
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
		// The scanner drops carriage returns from its input, so the length of a raw string is
		// computed, not taken from the scanner.
		start := file.Offset(pos)
		end := start + len(lit)
		if start < done || end > len(text) || strings.Contains(text[start:end], "\r") {
			continue
		}
		b.add("", start)
		b.add(class, end)
		done = end
	}
	b.add("", len(text))
	return b.finish()
}

// plain splits a string into lines without colour.
func plain(text string) []SourceLine {
	b := newLineBuilder(text)
	b.add("", len(text))
	return b.finish()
}

// lineBuilder collects tokens into lines. Lines and tokens are parts of the text, and the tokens of
// all lines share one slice: a file of Go's library has thousands of lines, and a page shows a few.
type lineBuilder struct {
	text   string
	lines  []SourceLine
	tokens []token
	done   int // bytes of text that are in tokens
	begun  int // the offset at which the line begins
	first  int // the line's first token
}

func newLineBuilder(text string) *lineBuilder {
	return &lineBuilder{text: text, lines: make([]SourceLine, 0, strings.Count(text, "\n")+1)}
}

// add adds a token that ends at an offset of the source.
func (b *lineBuilder) add(class string, end int) {
	for b.done < end {
		part, _, more := strings.Cut(b.text[b.done:end], "\n")
		if shown := strings.TrimSuffix(part, "\r"); shown != "" {
			b.tokens = append(b.tokens, token{class, shown})
		}
		if b.done += len(part); more {
			b.end()
			b.done++
			b.begun = b.done
		}
	}
}

func (b *lineBuilder) end() {
	b.lines = append(b.lines, SourceLine{
		Number: len(b.lines) + 1,
		Text:   strings.TrimSuffix(b.text[b.begun:b.done], "\r"),
		tokens: b.tokens[b.first:len(b.tokens):len(b.tokens)],
	})
	b.first = len(b.tokens)
}

func (b *lineBuilder) finish() []SourceLine {
	if len(b.tokens) > b.first {
		b.end()
	}
	return b.lines
}

// HTML is the line as markup.
func (l SourceLine) HTML() template.HTML {
	var b strings.Builder
	for _, t := range l.tokens {
		text := template.HTMLEscapeString(dump.Visible(t.text))
		if t.class == "" {
			b.WriteString(text)
			continue
		}
		b.WriteString(`<i class=` + t.class + `>` + text + `</i>`)
	}
	return template.HTML(b.String())
}
