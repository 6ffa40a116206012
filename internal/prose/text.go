// Package prose checks the English of the repository: Go comments, error messages and other strings, Markdown, and the
// lines of scripts and pages. Its test fails on the constructions of [Rules], each of which readers had to read twice.
//
// A file is split into sentences, and each rule checks one sentence at a time:
//
//	// A host that is none fails.          Sentence{Line: 1, Text: "A host that is none fails."}
//	                                       Finding{Rule: "is none"}
//
// Code is left out: indented lines of comments, fenced and indented blocks of Markdown. A
// code span counts as one word.
package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is where a sentence comes from.
type Kind string

// The kinds of text.
const (
	Comment  Kind = "comment"
	Message  Kind = "message"
	Markdown Kind = "markdown"
	// Text is a string of three words or more that is not known to be a message, or a line of a script or page. It may be
	// a name of a test, part of a page, or data, so that only the rules for words are for it.
	Text Kind = "text"
)

// Sentence is one sentence, heading, list item or table cell, with single spaces and without line
// breaks.
type Sentence struct {
	Line int
	Kind Kind
	Text string
}

// paragraph is text without blank lines. Each word keeps its line number, since a sentence may
// begin on any line.
type paragraph struct {
	words []string
	lines []int
}

func (p *paragraph) add(line int, text string) {
	for word := range strings.FieldsSeq(text) {
		p.words, p.lines = append(p.words, word), append(p.lines, line)
	}
}

// sentences splits the paragraph after each word that ends a sentence and is not followed by
// a lower-case letter.
func (p *paragraph) sentences(kind Kind) []Sentence {
	var list []Sentence
	start := 0
	for i, word := range p.words {
		last := i == len(p.words)-1
		if last || endsSentence(word) && !beginsLower(p.words[i+1]) {
			list = append(list, Sentence{p.lines[start], kind, strings.Join(p.words[start:i+1], " ")})
			start = i + 1
		}
	}
	*p = paragraph{}
	return list
}

func endsSentence(word string) bool {
	word = strings.TrimRight(word, `)"*_”`)
	if word == "e.g." || word == "i.e." || word == "etc." || word == "vs." {
		return false
	}
	return strings.HasSuffix(word, ".") || strings.HasSuffix(word, "?") || strings.HasSuffix(word, "!")
}

func beginsLower(word string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(word, `("*_“`))
	return unicode.IsLower(r)
}

var codeSpan = regexp.MustCompile("`[^`]*`")

// listItem is the beginning of an item of a list, in comments and in Markdown.
var listItem = regexp.MustCompile(`^\s*(?:[-*+•]|\d+[.)])\s+`)

// GoSentences returns the sentences of a Go file's comments, of the messages in its calls of errors.New,
// fmt.Errorf and panic, and of its other strings.
func GoSentences(name string, source []byte) ([]Sentence, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var list []Sentence
	for _, group := range file.Comments {
		var lines []string
		first := files.Position(group.Pos()).Line
		for _, c := range group.List {
			if text, ok := strings.CutPrefix(c.Text, "//"); ok {
				for len(lines) < files.Position(c.Pos()).Line-first {
					lines = append(lines, "")
				}
				if !strings.HasPrefix(text, "go:") && !strings.HasPrefix(text, "line ") && !strings.HasPrefix(text, "export ") {
					lines = append(lines, text)
				}
			} else {
				lines = append(lines, strings.Split(strings.TrimSuffix(strings.TrimPrefix(c.Text, "/*"), "*/"), "\n")...)
			}
		}
		list = append(list, commentSentences(first, lines)...)
	}
	messages := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && makesMessage(call.Fun) {
			for _, arg := range call.Args {
				if text, ok := literal(arg); ok {
					messages[arg] = true
					var p paragraph
					p.add(files.Position(arg.Pos()).Line, text)
					list = append(list, p.sentences(Message)...)
				}
			}
		}
		if messages[n] {
			return false
		}
		if lit, ok := n.(*ast.BasicLit); ok {
			if text, ok := literal(lit); ok && strings.Count(text, " ") >= 2 {
				line := files.Position(lit.Pos()).Line
				for _, s := range lineSentences(line, text) {
					if lit.Value[0] != '`' {
						s.Line = line // whose line breaks are escapes
					}
					list = append(list, s)
				}
			}
		}
		return true
	})
	return list, nil
}

// lineSentences returns each line of a text, without HTML tags, as a sentence.
func lineSentences(first int, text string) []Sentence {
	var list []Sentence
	text = htmlTag.ReplaceAllStringFunc(text, func(tag string) string { return strings.Repeat("\n", strings.Count(tag, "\n")) })
	for i, line := range strings.Split(text, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			list = append(list, Sentence{first + i, Text, line})
		}
	}
	return list
}

// commentSentences takes the lines of a comment without their slashes.
func commentSentences(first int, lines []string) []Sentence {
	if strings.HasPrefix(strings.Join(lines, "\n"), " Output:") || strings.HasPrefix(strings.Join(lines, "\n"), " Unordered output:") {
		return nil // of an Example
	}
	var list []Sentence
	var p paragraph
	for i, line := range lines {
		text := strings.TrimPrefix(line, " ")
		switch {
		case strings.TrimSpace(text) == "":
			list = append(list, p.sentences(Comment)...)
		case listItem.MatchString(text):
			list = append(list, p.sentences(Comment)...)
			p.add(first+i, spans(listItem.ReplaceAllString(text, "")))
		case strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "    ") && len(p.words) == 0: // code
			list = append(list, p.sentences(Comment)...)
		case strings.HasPrefix(text, "# "):
			list = append(list, p.sentences(Comment)...)
			p.add(first+i, text[2:])
			list = append(list, p.sentences(Comment)...)
		default:
			p.add(first+i, spans(text))
		}
	}
	return append(list, p.sentences(Comment)...)
}

// spans makes each code span one word.
func spans(text string) string {
	return codeSpan.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") })
}

func makesMessage(f ast.Expr) bool {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name == "panic"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && (x.Name == "errors" && f.Sel.Name == "New" || x.Name == "fmt" && f.Sel.Name == "Errorf")
	}
	return false
}

// literal returns the value of a string literal, or of several that are concatenated.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, also := literal(e.Y)
		return left + right, ok && also
	case *ast.CallExpr: // panic(fmt.Sprintf("…"))
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return literal(e.Args[0])
		}
	}
	return "", false
}

var (
	markdownLink = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	htmlTag      = regexp.MustCompile(`</?[a-zA-Z][^>]*>`)
)

// MarkdownSentences returns the sentences of a page.
func MarkdownSentences(page []byte) []Sentence {
	var list []Sentence
	var p paragraph
	fenced, blank, item := false, true, false
	for i, line := range strings.Split(string(page), "\n") {
		number := i + 1
		indented := strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")
		line = markdownLink.ReplaceAllString(spans(line), "$1")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			list = append(list, p.sentences(Markdown)...)
			fenced = !fenced
		case fenced:
		case strings.TrimSpace(line) == "":
			list = append(list, p.sentences(Markdown)...)
		case indented && blank && !item: // code
		case strings.HasPrefix(line, "|"):
			for cell := range strings.SplitSeq(strings.Trim(line, "| "), "|") {
				p.add(number, htmlTag.ReplaceAllString(cell, ""))
				list = append(list, p.sentences(Markdown)...)
			}
		case strings.HasPrefix(line, "#"):
			p.add(number, strings.TrimLeft(line, "# "))
			list = append(list, p.sentences(Markdown)...)
		case listItem.MatchString(line):
			list = append(list, p.sentences(Markdown)...)
			p.add(number, listItem.ReplaceAllString(line, ""))
			item = true
		default:
			item = item && (strings.HasPrefix(line, " ") || !blank)
			p.add(number, strings.TrimPrefix(line, "> "))
		}
		blank = strings.TrimSpace(line) == "" || blank && indented && !item
	}
	return append(list, p.sentences(Markdown)...)
}
