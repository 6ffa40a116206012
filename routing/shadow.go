package routing

import (
	"fmt"
	"net/url"
	"strings"
)

// A rule's URL can be that of another rule which comes before it: "/user/<name>"
// makes "/user/settings" of a name. What is built must match again, so Build
// looks for such a rule. Most rules can have none, which is known in advance:
// those that are the first choice in each segment.

// expose marks the rules that end at s if another could come first; exposed says
// that one could before s.
func (s *state) expose(exposed bool) {
	for i, r := range s.rules {
		r.exposed = exposed
		for _, o := range s.rules[:i] {
			r.exposed = r.exposed || o.methods&r.methods != 0 && o.webSocket == r.webSocket
		}
	}
}

// leads reports whether a text that p matches could be one of the state's static
// transitions, whose labels are still single segments.
func (s *state) leads(p *pattern) bool {
	if p.final || p.regexp != nil {
		return len(s.kids) > 0
	}
	for i := range s.kids {
		if _, ok := p.matches(s.kids[i].label); ok {
			return true
		}
	}
	return false
}

// checkShadow refuses a URL that another rule matches before r, whatever the
// request: path is encoded and without the mount, host what stands before the
// server's name, or the host itself.
func (t *table) checkShadow(r *rule, host, path string, method methodSet) error {
	if r.buildOnly {
		return nil
	}
	m := matcher{path: path, host: host, method: methodOf(r, method), webSocket: r.webSocket, expected: r}
	var err error
	if m.path, m.slash, err = decoded(path); err != nil {
		return err
	}
	o := m.run(t, t.start)
	if o == r || o == nil && !r.hollow {
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

// decoded returns the path that the matcher makes of an encoded one, and what
// stands for encoded slashes in it.
func decoded(path string) (plain string, slash byte, err error) {
	if strings.IndexByte(path, '%') < 0 {
		return path, 0, nil
	}
	if plain, err = url.PathUnescape(path); err != nil {
		return "", 0, err
	}
	plain, slash = unescapeSegments(&url.URL{Path: plain, RawPath: path})
	if slash == 0 && strings.Contains(path, "%2F") {
		return "", 0, errStandIns
	}
	return plain, slash, nil
}

// methodOf returns the method that r's URL is for: the one asked for, or else GET
// if r has it, or else one that it has.
func methodOf(r *rule, asked methodSet) methodSet {
	if asked == 0 {
		asked = getMethod
	}
	if set := r.methods & asked; set != 0 {
		return set & -set
	}
	return r.methods & -r.methods
}
