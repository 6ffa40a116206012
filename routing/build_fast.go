package routing

import (
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// The fast path to a URL. It is for an endpoint with one rule, on the only host, with the rule's
// values and no others. Nearly all URLs of nearly all pages are of this kind, so the fast path
// checks nothing else. In all other cases build builds the URL (build_url.go), with a precise
// error.
//
//	rule     /user/<int:id>/<name>     steps: "/user/"  id  "/"  name
//	values   id=7, name="anna"         below the root path /app
//	written  "/app"  "/user/"  "7"  "/"  "anna"
//
// The fast path never returns an error. It only says that it does not know, for instance because a
// value is missing, has the wrong type, or cannot be part of a URL. Then the URL is built again in
// the other way, whose error names the value.

// fastKind is a kind of variable whose values need no encoding or checks.
//
//	<name>                    anyText
//	<int(signed=True):n>      anyInt
//	<int:n>                   anyNatural: -7 would not match
//	<int(max=9):n>            otherKind, which goes through the converter
type fastKind uint8

const (
	otherKind  fastKind = iota
	anyText             // any string except the empty one
	anyInt              // any int
	anyNatural          // any int that is not negative
)

// markFastPaths marks the rules whose URLs have a fast path. Each condition leaves out a check: without
// defaults no value can contradict one, without shared parts none can be divided differently. A URL
// that another rule could match first is still checked, since many tables have such rules.
func (t *table) markFastPaths() {
	if t.start == nil || t.elsewhere || t.options.LooseBuild {
		return
	}
	for _, rules := range t.endpoints {
		if len(rules) == 1 {
			r := rules[0]
			r.build.hasFastPath = len(r.defaults) == 0 && !r.build.sharesParts && !r.build.takesEmpty && !r.webSocket
		}
	}
}

// fastKind returns the kind of values that the converter takes unchanged.
func (c *converter) fastKind() fastKind {
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

// fastURL builds the URL of the endpoint if it has a fast path. As many values as variables, and
// one for each variable by name, means that no value is left for the query. For the rule above,
// with the mount /app and the values id=7 and name="a b", it returns "/app/user/7/a%20b". The name
// is not a plain segment, so its converter writes it.
func (t *table) fastURL(b *bound, endpoint string, values []Value) (text string, ok bool) {
	rules := t.endpoints[endpoint]
	// A base has a subdomain of its own, which may be another one than the rule's.
	if len(rules) == 0 || b.base != nil {
		return "", false
	}
	r := rules[0]
	if !r.build.hasFastPath || len(values) != len(r.variables) {
		return "", false
	}
	// URLs of up to 128 bytes are written on the stack, so the string is the only allocation.
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
		// Callers mostly name the values in the order of the rule.
		if values[at].name != o.text {
			if at = indexOf(values, o.text); at < 0 {
				return "", false
			}
		}
		v := &values[at]
		// The first two cases are nearly all. They write the value as it is; the others go through the
		// converter, which may encode it.
		switch {
		case v.kind == textValue && o.takes == anyText && isPlainSegment(v.text):
			path = append(path, v.text...)
		// A string variable takes any int, because its digits are a text.
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
	// A value that had to be encoded can make the URL ambiguous: two slashes at the start would be
	// read as a host, and a long path may hold all bytes that can stand for a slash.
	if !plain {
		if rest := path[len(root):]; len(path) > leastStandIns || len(rest) > 1 && rest[1] == '/' {
			return "", false
		}
	}
	text = string(path)
	return text, !r.build.canBeShadowed || t.checkShadow(r, "", text[len(root):], 0) == nil
}

// isPlainSegment reports whether text can be part of a segment of a URL unchanged: it needs no
// encoding, and does not consist of dots alone, which could make the segment "." or "..".
//
//	anna, .profile      true
//	"a b", "a/b"        false: they must be encoded
//	.., ...             false; "..." could be written, but is too rare for a test of its own
//	""                  false: no variable of the fast path takes it
func isPlainSegment(text string) bool {
	for i := range len(text) {
		if !percent.Segment[text[i]] {
			return false
		}
	}
	return text != "" && (text[0] != '.' || strings.Trim(text, ".") != "")
}
