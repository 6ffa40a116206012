package routing

import (
	"strconv"
	"strings"
)

// The straight way to a URL: of an endpoint with one rule, on the only host, with
// the rule's values and no others. That is what nearly all URLs of nearly all
// pages are, so it asks for nothing else; where anything is different, build
// answers, and says what is wrong.

// straightKind is a kind of variable that takes values as they are.
type straightKind uint8

const (
	otherKind  straightKind = iota
	anyText                 // any text but the empty one
	anyInt                  // any int
	anyNatural              // any int that is not negative
)

// straighten marks the rules to which there is a straight way.
func (t *table) straighten() {
	if t.start == nil || t.elsewhere || t.options.LooseBuild {
		return
	}
	for i := range t.endpoints.slots {
		if rules := t.endpoints.slots[i].rules; len(rules) == 1 {
			r := rules[0]
			r.straight = len(r.defaults) == 0 && !r.shared && !r.hollow && !r.webSocket
		}
	}
}

// straightKind returns which values the converter takes as they are.
func (c *converter) straightKind() straightKind {
	switch {
	case c.kind == stringConverter && c.form.unbounded():
		return anyText
	case c.kind != intConverter || c.digits > 0 || c.bounded:
		return otherKind
	case c.form.signed:
		return anyInt
	}
	return anyNatural
}

// straight builds the URL of the endpoint if there is a straight way to it.
func (t *table) straight(b *bound, endpoint string, values []Value) (text string, ok bool) {
	rules := t.endpoints.find(endpoint)
	if len(rules) == 0 || b.place != nil {
		return "", false
	}
	r := rules[0]
	if !r.straight || len(values) != len(r.variables) {
		return "", false
	}
	var space [128]byte
	path, root, plain := space[:0], b.rootPath(), true
	if root != "" {
		path = append(path, root...)
	}
	for i := range r.pathOps {
		o := &r.pathOps[i]
		if o.variable < 0 {
			path = append(path, o.text...)
			continue
		}
		at := int(o.variable)
		if values[at].name != o.text {
			if at = indexOf(values, o.text); at < 0 {
				return "", false
			}
		}
		v := &values[at]
		switch {
		case v.kind == textValue && o.takes == anyText && isPlainSegment(v.text):
			path = append(path, v.text...)
		case v.kind == intValue && (int64(v.bits) >= 0 && o.takes != otherKind || o.takes == anyText || o.takes == anyInt):
			path = strconv.AppendInt(path, int64(v.bits), 10)
		case v.kind == nilValue:
			return "", false
		default:
			var err error
			plain = false
			if path, err = r.appendVariable(path, r.pathOps, i, v); err != nil {
				return "", false
			}
		}
	}
	if !plain {
		if rest := path[len(root):]; len(path) > leastStandIns || len(rest) > 1 && rest[1] == '/' {
			return "", false
		}
	}
	text = string(path)
	return text, !r.exposed || t.checkShadow(r, "", text[len(root):], 0) == nil
}

// isPlainSegment reports whether text can stand in a segment of a URL as it is:
// nothing is to be encoded, and it is more than dots, which could make the segment
// "." or "..".
func isPlainSegment(text string) bool {
	for i := range len(text) {
		if !plainInPath[text[i]] {
			return false
		}
	}
	return text != "" && (text[0] != '.' || strings.Trim(text, ".") != "")
}
