package routing

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A URL that is built must match again, to the same rule with the same values. The following URLs
// would not, so they are refused:
//
//	/user/<name>, name "settings"    the rule /user/settings comes first
//	/user/<name>, name ".."          a client takes the segment out of the path
//	/<a>-<b>, a "x", b "y-z"         would be read as a "x-y", b "z"
//	/<path:to>, to "/evil.test"      would be read as a host
//
// Most rules cannot be shadowed by another one, and these are known in advance: they are the rules
// that are the first choice in each segment. For the other rules, the URL is matched before it is
// returned.

// Werkzeug makes none of these checks, and its URLs then lead to other rules (its build of
// "/user/<name>" with "..", for one). Options.LooseBuild leaves them out.

// expose marks the rules that end at s if another rule could come first; exposed says that this is
// possible before s. It also notes which methods reach each rule:
//
//	GET,HEAD  /a    reached by GET and HEAD
//	all       /a    reached by all but these, so that its URL is tried with another method
//
// A rule of the same node that is tried before r can shadow r as well.
func (s *node) expose(exposed bool) {
	for i, r := range s.rules {
		r.build.canBeShadowed, r.reached = exposed, r.methods
		for _, o := range s.rules[:i] {
			// A rule with a condition, or with other bounds, may leave requests of its methods to
			// r.
			if o.takes(r) {
				r.reached &^= o.methods
			}
			// Rules without a common method never compete for a request.
			r.build.canBeShadowed = r.build.canBeShadowed || o.methods&r.methods != 0 && o.webSocket == r.webSocket
		}
	}
}

// leads reports whether a segment that p matches could be one of the node's literal edges, whose
// labels are still single segments.
//
//	labels "settings", "7"
//	<name>         true, for "settings"
//	<int:id>       true, for "7"
//	<int:id>.json  false
func (s *node) leads(p *pattern) bool {
	// The pattern takes the label and more segments: <path:p>/raw does not match "settings", but
	// matches "settings/raw".
	if p.final {
		return len(s.literals) > 0
	}
	for i := range s.literals {
		if _, ok := p.matches(s.literals[i].label); ok {
			return true
		}
	}
	return false
}

// checkShadow refuses a URL that another rule matches before r, whatever the request. path is
// encoded and without the mount; host is the part before the server's name, or the whole host.
// For the rules /user/settings and /user/<name>, the URL "/user/settings" with r as the second rule
// is an error, and "/user/anna" is not.
func (t *table) checkShadow(r *rule, host, path string, method methodSet) error {
	// Such a rule never matches. Its URLs are for another server, or for a handler before the Map.
	if r.buildOnly {
		return nil
	}
	// Without a request, only r's own condition counts as met. Another rule with a condition may
	// leave the URL to r, so it does not shadow r for every request.
	m := matcher{path: path, host: host, method: methodOf(r, method), webSocket: r.webSocket, expected: r}
	var err error
	if m.path, m.slash, err = decoded(path); err != nil {
		return err
	}
	o := m.run(t, t.start)
	// Nothing matches if a Parse of the application refuses what its Format wrote. That is left to the
	// application, and no other rule takes the URL. Only an empty value can make a URL of another form.
	if o == r || o == nil && !r.build.takesEmpty {
		return nil
	}
	switch {
	case t.options.HostMatching:
		path = host + path
	case host != "":
		path = host + "|" + path
	}
	switch o {
	case nil:
		return fmt.Errorf("%q does not match again", path)
	case needsSlash:
		return fmt.Errorf("%q is where another rule redirects to %q", path, path+"/")
	}
	return fmt.Errorf("%q is matched by rule %q (%s) before it", path, o.path, o.where)
}

// methodOf returns the method of a request for r's URL: the given method, or GET if r takes GET, or
// any method that r takes.
//
//	GET,HEAD  /a    asked nothing   GET
//	all       /a    asked nothing   POST, the lowest method that the rule above leaves
//	all       /a    asked PUT       PUT
func methodOf(r *rule, asked methodSet) methodSet {
	if asked == 0 {
		asked = getMethod
	}
	if set := r.reached & asked; set != 0 {
		return set & -set // its lowest bit
	}
	return r.reached & -r.reached
}

var (
	errEmpty    = errors.New("an empty text does not match again")
	errStandIns = errors.New("there are too many control characters to tell the slashes apart")
	// RFC 3986, section 4.2: the part after two slashes is read as a host.
	errAuthority = errors.New("a path that starts with two slashes would be read as a host")
	errSlash     = errors.New("a value that ends with a slash does not match again if another slash follows")
)

// leastStandIns is the length of the shortest path that holds all of standIns, each of them
// encoded. A shorter path has at least one byte left, so only longer ones must be decoded to find
// out.
var leastStandIns = 3 * len(standIns)

// checkDots refuses a variable's string, which is b from start on, if it makes a segment that a
// client would remove from the path (RFC 3986, section 5.2.4). more says that the last segment
// continues after it.
//
//	rule               value   path         more
//	/<name>            ".."    /..          false: an error
//	/<name>.json       ".."    /..          true: the segment will be "...json"
//	/<path:p>          "a/./b" /a/./b       false: an error, for the second segment
func checkDots(b []byte, start int, more bool) error {
	// The segment may begin before the value: "." and "." make ".." in /<a><b>.
	from := bytes.LastIndexByte(b[:start], '/') + 1
	for {
		segment := b[from:]
		length := bytes.IndexByte(segment, '/')
		if length < 0 && more {
			return nil
		}
		if length >= 0 {
			segment = segment[:length]
		}
		if string(segment) == "." || string(segment) == ".." {
			return fmt.Errorf("the segment %q would be taken out of the path", string(segment))
		}
		if length < 0 {
			return nil
		}
		from += length + 1
	}
}

// checkDivision refuses values that share a segment if the rule would divide the segment
// differently: "x-y" and "z" in "<a>-<b>". Values may also have come from defaults, and they are
// divided like all others.
func (r *rule) checkDivision(values []Value, valueIndexes *valueIndexes) error {
	first := 0
	for _, parts := range [][]part{r.hostParts, r.pathParts} {
		for i := range parts {
			// first counts the variables of the parts before, as rule.variables has them in the
			// order of the parts.
			p := parts[i].pattern
			if p == nil {
				continue
			}
			if p.variables > 1 {
				if err := r.checkPart(p, first, values, valueIndexes); err != nil {
					return err
				}
			}
			first += p.variables
		}
	}
	return nil
}

// checkPart writes the values of one part, first being the index of its first variable, and divides
// the text as a match would. It works on decoded text, as the matcher does. For "<a>-<b>" with the
// values "x" and "y-z", the text is "x-y-z", and its division is "x-y" and "z". So the error names
// a, the first variable that would get another value.
func (r *rule) checkPart(p *pattern, first int, values []Value, valueIndexes *valueIndexes) error {
	var text strings.Builder
	var want []string
	for _, e := range p.elements {
		if e.form == nil {
			text.WriteString(e.literal)
			continue
		}
		v := &r.variables[first+len(want)]
		value, ok := r.defaultOf(v.name)
		if !ok {
			value = values[valueIndexes.at(first+len(want))]
		}
		encoded, err := v.converter.appendValue(nil, &value, false)
		if err != nil {
			return err
		}
		// appendValue percent-encodes. The matcher divides decoded text, in which a stand-in is in
		// place of each encoded slash.
		plain := unescape(string(encoded), v.converter.form.overSlashes())
		text.WriteString(plain)
		want = append(want, plain)
	}
	var found spans
	whole, _, ok := p.withoutSlash(text.String())
	ok = ok && p.divide(whole, &found)
	for i := range want {
		if ok = ok && whole[found.at(i).from:found.at(i).to] == want[i]; !ok {
			name := r.variables[first+i].name
			return fmt.Errorf("the value of %q: %q would be read differently beside the other values of %q", name, want[i], text.String())
		}
	}
	return nil
}
