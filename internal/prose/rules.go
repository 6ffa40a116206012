package prose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Rule finds a construction over which readers stumble.
type Rule struct {
	Name  string
	Write string // what to write in its place
	find  func(s Sentence) string
}

// Finding is a sentence that breaks a rule.
type Finding struct {
	Rule     Rule
	Sentence Sentence
	Match    string // the words that break it
}

// String returns the line, the words, and what to write.
func (f Finding) String() string {
	return fmt.Sprintf("%d: %s: %q in %q: %s", f.Sentence.Line, f.Rule.Name, f.Match, f.Sentence.Text, f.Rule.Write)
}

// Check returns what the rules find in the sentences.
func Check(sentences []Sentence) []Finding {
	var list []Finding
	for _, s := range sentences {
		for _, rule := range Rules {
			if match := rule.find(s); match != "" {
				list = append(list, Finding{rule, s, match})
			}
		}
	}
	return list
}

// maxWords is the largest number of words in a sentence. The aim is 25.
const maxWords = 40

// Rules are all rules.
var Rules = []Rule{
	{"is no", `write "is not a valid X", or "X is not"`, isNo},
	{"is none", `write "is not a valid X", or name what is missing`, isNone},
	{"who without a noun", `name the person: "clients that …", "anyone who …"`, bareWho},
	{"clause as the subject", `name the thing: not "What …" or "Who …" but "The … that …"`, clauseSubject},
	{"is had", `write "exists", "is available" or "has"`, pattern(`\b(?:is|are|was|were|be|been) had\b`)},
	{"word twice", `remove one`, doubled},
	{"one's", `name the person or thing`, pattern(`\b[Oo]ne's\b`)},
	{"long sentence", fmt.Sprintf("at most %d words, better 25", maxWords), long},
	{"private word", `use the field's word`, pattern(`\b(?:by heart|straight way|hush(?:es|ed)?|whence|thence|wherein|whereof|thereof|lest|anew|be it|as it were|further (?:in|out) (?:than|of))\b`)},
	{"says to nobody", `say what happens`, pattern(`\b(?:for|to|by|with) nobody\b`)},
	{"nor without neither", `write "and not"`, loneNor},
	{"archaic word", `use a word that people say today`, pattern(`\b(?:thus|hence|whereby|thereby|likewise|for ever)\b`)},
	{"starts in", `write "starts with", "ends with"`, pattern(`\b(?:start|begin|end)s? in (?:X|[+.]|two\b|a (?:slash|dot|star|quote)\b)`)},
	{"in the place of", `write "instead of" or "in place of"`, pattern(`\bin the place of\b`)},
	{"as X has it", `write "as in X"`, pattern(`\bas (?:[\w./']+ ){1,3}(?:has|have) it\b`)},
	{"told of", `write "gets a record", "is informed"`, pattern(`\b(?:is|are|was|were|be|been) told of\b`)},
	{"answered by", `write "answered with"`, pattern(`\banswered by (?:an? )?\d{3}\b`)},
	{"also if", `write "even if"`, pattern(`\balso (?:if|when)\b`)},
	{"goes out", `write "is sent", or "takes precedence over"`, pattern(`\b(?:goes|went) (?:out|before)\b`)},
	{"is that of", `repeat the noun: "is the length of"`, thatOf},
	{"is another function", `write "is like [F], but", or "does what [F] does"`, isOther},
}

func pattern(p string) func(Sentence) string {
	re := regexp.MustCompile(p)
	return func(s Sentence) string { return re.FindString(plain(s.Text)) }
}

var code = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|“[^”]*”")

// plain is the text with quotations and code spans replaced by X.
func plain(text string) string {
	if !strings.ContainsAny(text, "`\"“") {
		return text
	}
	return code.ReplaceAllString(text, "X")
}

func words(text string) []string {
	list := strings.Fields(plain(text))
	for i, w := range list {
		list[i] = strings.Trim(w, `.,;:!?()[]*_`)
	}
	return list
}

var be = []string{"is", "are", "was", "were"}

// isNo finds "a host that is no name", not "there is no name" and "is no longer valid".
func isNo(s Sentence) string {
	w := words(s.Text)
	for i := 1; i+1 < len(w); i++ {
		if w[i] != "no" || !slices.Contains(be, strings.ToLower(w[i-1])) {
			continue
		}
		if slices.Contains([]string{"longer", "more", "less", "fewer", "larger", "smaller", "different", "better", "worse", "faster", "slower", "slash"}, w[i+1]) {
			continue
		}
		if hasThere(w[max(0, i-4) : i-1]) {
			continue
		}
		return strings.Join(w[i-1:i+2], " ")
	}
	return ""
}

// isNone finds "an escape that is none", not "there are none".
func isNone(s Sentence) string {
	w := words(s.Text)
	for i := 1; i < len(w); i++ {
		if w[i] == "none" && slices.Contains(be, w[i-1]) && !hasThere(w[max(0, i-4):i-1]) && (i+1 == len(w) || w[i+1] != "of") {
			return w[i-1] + " none"
		}
	}
	return ""
}

func hasThere(w []string) bool {
	return slices.ContainsFunc(w, func(w string) bool { return strings.EqualFold(w, "there") })
}

// bareWho finds "of who may not see it" and "so that who knows one": a "who" without its noun.
// After a verb such as "decide", "who" asks a question, which is right.
func bareWho(s Sentence) string {
	w := words(s.Text)
	for i := 1; i < len(w); i++ {
		if w[i] != "who" {
			continue
		}
		before := strings.Fields(plain(s.Text))[i-1]
		switch w[i-1] {
		case "to", "for", "by", "with", "from", "than", "that", "because", "if", "when", "unless", "but":
			if !strings.HasSuffix(before, ",") {
				return w[i-1] + " who"
			}
		}
	}
	return ""
}

// clauseSubject finds sentences that begin with a relative clause as their subject: "Who asks for
// JSON gets it." It accepts "What it does" as a heading, since that has no second verb.
func clauseSubject(s Sentence) string {
	w := words(s.Text)
	if len(w) < 5 || strings.HasSuffix(s.Text, "?") || s.Kind == Message || s.Kind == Text {
		return ""
	}
	if w[0] != "What" && w[0] != "Who" && w[0] != "Whoever" || !strings.HasSuffix(strings.TrimRight(s.Text, `)"`), ".") {
		return ""
	}
	return w[0] + " " + w[1] + " " + w[2]
}

// doubled finds a word that is repeated.
func doubled(s Sentence) string {
	if s.Kind == Text { // a table, or data
		return ""
	}
	w := strings.Fields(plain(s.Text))
	for i := 1; i < len(w); i++ {
		a, b := w[i-1], w[i]
		if strings.EqualFold(a, strings.Trim(b, ".,;:)")) && a != "X" && strings.Trim(strings.ToLower(a), "abcdefghijklmnopqrstuvwxyz") == "" && len(a) > 1 {
			return a + " " + b
		}
	}
	return ""
}

// loneNor finds "nor" in a sentence without "neither": "It does not wait, nor does it fail."
func loneNor(s Sentence) string {
	w := words(s.Text)
	if slices.Contains(w, "nor") && !slices.ContainsFunc(w, func(w string) bool { return strings.EqualFold(w, "neither") }) {
		return "nor"
	}
	return ""
}

var (
	nameIsThat  = regexp.MustCompile(`^\w+ (?:is|are) (?:that|those) (?:of|that)\b`)
	nameIsOther = regexp.MustCompile(`^\w+ (?:is|are) \[[\w.]+\](?:,? but\b| with(?:out)?\b| for\b| of\b)`)
)

// thatOf finds comments that do not name their thing: "length is that of the body".
func thatOf(s Sentence) string {
	if s.Kind != Comment {
		return ""
	}
	return nameIsThat.FindString(s.Text)
}

// isOther finds comments that call one function another: "MustMap is [NewMap] for constants".
func isOther(s Sentence) string {
	if s.Kind != Comment {
		return ""
	}
	return nameIsOther.FindString(s.Text)
}

func long(s Sentence) string {
	if n := len(strings.Fields(s.Text)); n > maxWords && s.Kind != Message && s.Kind != Text {
		return fmt.Sprint(n, " words")
	}
	return ""
}
