package prose

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exceptions are sentences that a rule finds although they are right.
var exceptions = []struct{ file, fragment, reason string }{}

func TestTheRepositoryIsInPlainEnglish(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	used := make([]bool, len(exceptions))
	require.NoError(t, Files("../..", func(name string, content []byte, sentences []Sentence) {
		for _, f := range Check(sentences) {
			i := slices.IndexFunc(exceptions, func(e struct{ file, fragment, reason string }) bool {
				return e.file == name && strings.Contains(f.Sentence.Text, e.fragment)
			})
			if i >= 0 {
				used[i] = true
				continue
			}
			t.Errorf("%s:%s", name, f)
		}
		if path.Ext(name) == ".go" {
			shadowed, err := Shadowed(name, content)
			require.NoError(t, err)
			for _, s := range shadowed {
				t.Error(s)
			}
		}
	}))
	for i, e := range exceptions {
		require.True(t, used[i], "nothing in %s needs the exception for %q: remove it", e.file, e.fragment)
	}
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		rule, wrong, right string
	}{
		{"is no", "It fails on a host that is no name.", "It fails if there is no name, and is no longer read."},
		{"is no", "Headers that are no tokens are errors.", "There are usually no tokens."},
		{"is none", "An escape that is none stays.", "Of the slots there is none left, and none of them is read."},
		{"who without a noun", "It answers 304 to who has this version.", "The page says who may see it, and people who know PHP read it."},
		{"who without a noun", "so that who knows one finds the other.", "Clients, who pay for it, wait."},
		{"clause as the subject", "What methods return is waited for.", "What does it do?"},
		{"clause as the subject", "Who asks for JSON gets it from here.", "Whose it is, the page says."},
		{"is had", "Variables are had on Linux.", "It had been read."},
		{"word twice", "They are waited for for half a second.", "It counts 10 10 times, and so on: on Linux."},
		{"one's", "A server of one's own.", "Anyone's own server, and ones that wait."},
		{"long sentence", strings.Repeat("a word ", 20) + "a.", strings.Repeat("a word ", 19) + "ends."},
		{"private word", "It is started anew.", "It is started again. The fields be itemised."},
		{"says to nobody", "It waits for nobody.", "Nobody waits for it."},
		{"nor without neither", "It does not wait, nor does it fail.", "It neither waits nor fails."},
		{"archaic word", "It is thus read for the second time.", "It is therefore read, forever."},
		{"starts in", "Names start in `_` or a digit.", "Names start in column 1, and end with `_`."},
		{"starts in", "A branch ends in a slash.", "A branch ends in a loop."},
		{"in the place of", "It writes nil in the place of a value.", "It writes nil in place of a value, at the place of the call."},
		{"as X has it", "A date as the Age header has it is read.", "It counts as saved when one replica has it."},
		{"told of", "Logger is told of each file.", "The story that he told of it is short."},
		{"answered by", "It is answered by a 404.", "It is answered by the handler with 404."},
		{"also if", "It runs also if the client has gone.", "It runs too, and if it fails, it also prints."},
		{"goes out", "The header goes out first.", "It goes on, and has gone before."},
		{"is that of", "length is that of the body.", "The result is that of the body. It is that simple."},
		{"is another function", "MustMap is [NewMap] for constants.", "MustMap is like [NewMap]. The error is [ErrClosed] for a closed file."},
	} {
		find := func(text string) []string {
			var names []string
			sentences, err := GoSentences("a.go", []byte("// "+text+"\npackage a"))
			require.NoError(t, err)
			for _, f := range Check(sentences) {
				names = append(names, f.Rule.Name)
			}
			return names
		}
		require.Equal(t, []string{test.rule}, find(test.wrong), test.wrong)
		require.Empty(t, find(test.right), test.right)
	}
}

func TestSentences(t *testing.T) {
	got, err := GoSentences("a.go", []byte(`// Package a is one. It
// goes on, e.g. here (see b.go). And ends
//
//	code is left out
//
//   - an item
//   - another item.
//     It goes on.
//
// # A heading
package a

//go:generate left out

var err = errors.New("a: " + "no. 1 failed")

func f() {
	panic(fmt.Sprintf("a %d", 1)) // why
	t.Run("a test:  its name", nil)
	write("<p\nid=1>A line.\n\nNot told.", "not this")
}
`))
	require.NoError(t, err)
	require.Equal(t, []Sentence{
		{1, Comment, "Package a is one."}, {1, Comment, "It goes on, e.g. here (see b.go)."}, {2, Comment, "And ends"},
		{6, Comment, "an item"}, {7, Comment, "another item."}, {8, Comment, "It goes on."},
		{10, Comment, "A heading"}, {18, Comment, "why"},
		{15, Message, "a: no."}, {15, Message, "1 failed"}, {18, Message, "a %d"},
		{19, Text, "a test: its name"}, {20, Text, "A line."}, {20, Text, "Not told."},
	}, got)
	_, err = GoSentences("a.go", []byte("not Go"))
	require.Error(t, err)

	require.Equal(t, []Sentence{
		{1, Markdown, "A title"}, {3, Markdown, "One sentence, with `a.b()` and a link."}, {4, Markdown, "Another one:"},
		{8, Markdown, "an item that goes on and more of it"}, {14, Markdown, "a cell"}, {14, Markdown, "another"},
	}, MarkdownSentences([]byte("# A title\n\nOne sentence, with `a.b()` and a [link](x.md).\nAnother one:\n\n"+
		"    code. It is left out.\n\n* an item that\n  goes on\n    and more of it\n```go\nleft out\n```\n| a cell | another |\n")))
}

func TestShadowed(t *testing.T) {
	got, err := Shadowed("a.go", []byte(`package a

type min struct{ max int }

func (min) len() {}

func f(new int, x func(cap int)) (len int) {
	copy, ok := g()
	for close := range 3 {
	}
	var any int
	error := 1
	return
}
`))
	require.NoError(t, err)
	var lines []string
	for _, s := range got {
		lines = append(lines, strings.Fields(strings.TrimPrefix(s, "a.go:"))[0]+strings.Fields(s)[1])
	}
	require.Equal(t, []string{"3:min", "7:new", "7:len", "7:cap", "8:copy", "9:close", "11:any", "12:error"}, lines)
}
