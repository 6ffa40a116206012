package routing

import (
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// From a request to a rule: what is around the walk through the table. The path
// is made ready, and what the walk found can still turn out to be a redirect.

// match finds the rule for what b is bound to, asked with method, and returns
// what the match keeps.
func (t *table) match(b *bound, method methodSet) (*found, string, error) {
	if b.place != nil {
		return t.search(b, method, b.place.Path, nil, 1)
	}
	path := b.request.URL.Path
	if b.request.URL.RawPath != "" {
		return t.search(b, method, path, nil, 1)
	}
	for _, r := range t.statics.find(path) {
		if !r.plain {
			break
		}
		if r.methods&method != 0 {
			return &r.found, path, nil
		}
	}
	s, i := t.start, 1
	if s == nil || t.webSockets || path == "" || path[0] != '/' || len(path) > 1 && path[1] == '/' {
		return t.search(b, method, path, nil, 1)
	}
	// While there is one way only, nothing needs to be remembered.
	for i <= len(path) {
		rest := path[i:]
		if rest == "" || rest[0] == '/' {
			if s.slash == nil || len(s.edges) > 0 || s.loose {
				return t.search(b, method, path, s, i)
			}
			s, i = s.slash, i+1
			continue
		}
		if len(s.kids) > 0 {
			if next, length := s.child(rest); next != nil {
				if len(s.edges) > 0 {
					return t.search(b, method, path, s, i)
				}
				s, i = next, i+length
				continue
			}
		}
		if len(s.edges) != 1 {
			return t.search(b, method, path, s, i)
		}
		e, after := &s.edges[0], i
		switch e.kind {
		case textEdge:
			after = segmentEnd(path, i)
		case digitsEdge:
			for after < len(path) && '0' <= path[after] && path[after] <= '9' {
				after++
			}
			if after == i || after < len(path) && path[after] != '/' || after-i > surelyInt {
				return t.search(b, method, path, s, i)
			}
		default:
			return t.search(b, method, path, s, i)
		}
		s, i = e.next, after+1
	}
	for _, r := range s.rules {
		if !r.plain {
			break
		}
		if r.methods&method != 0 {
			return &r.found, path, nil
		}
	}
	return t.search(b, method, path, s, i)
}

// search finds the rule when there is something to choose: from the state s and
// the segment at i on, or from the start if s is nil.
func (t *table) search(b *bound, method methodSet, path string, s *state, i int) (*found, string, error) {
	m := matcher{path: path, method: method, request: b.request}
	if s == nil {
		if b.place == nil && b.request.URL.RawPath != "" {
			m.path, m.slash = unescapeSegments(b.request.URL)
		}
		if m.path == "" || m.path[0] != '/' || len(m.path) > 1 && m.path[1] == '/' {
			m.path = oneSlash(m.path)
		}
		if t.webSockets || b.place != nil {
			m.webSocket = b.webSocket()
		}
		if s, i = t.startOf(b), 1; s == nil {
			_, subdomain, err := t.domain(b)
			if err != nil {
				return nil, "", err
			}
			m.host = subdomain
		}
	}
	var r *rule
	if s != nil {
		r = m.walk(s, i)
	} else {
		r = m.run(t, nil)
	}
	if r == nil || r == needsSlash || r.special {
		return t.resolve(b, &m, r)
	}
	return m.found(r), m.path, nil
}

// report tells whoever asked which rule matched.
func report(route *gateway.Route, args Args) {
	r := args.found.rule
	route.Pattern, route.Endpoint, route.Args = r.path, r.endpoint, (&args).Map
}

// resolve answers what is not a plain match.
func (t *table) resolve(b *bound, m *matcher, r *rule) (*found, string, error) {
	if r == nil || r == needsSlash {
		return nil, "", t.unmatched(b, m, r)
	}
	args := Args{m.found(r), m.path}
	if r.alias && !t.options.KeepDefaults {
		if err := t.canonical(b, m, r, &args); err != nil {
			return nil, "", err
		}
	}
	for _, o := range r.shorter {
		if redirect := t.shortened(b, m, o, &args); redirect != nil {
			return nil, "", redirect
		}
	}
	if r.redirectTo != "" || r.redirectFunc != nil {
		return nil, "", t.ruleRedirect(b, r, &args)
	}
	return args.found, args.path, nil
}

// unmatched returns the answer where no rule matches, or one but for a slash.
func (t *table) unmatched(b *bound, m *matcher, r *rule) error {
	if r == needsSlash {
		return t.redirectTo(b, m.quoted(m.path+"/"))
	}
	if err := t.merged(b, m); err != nil {
		return err
	}
	if t.options.AnswerOptions && m.method == optionsMethod && m.allowed != 0 {
		return &OptionsAnswer{Allow: t.namesOf(m.allowed | optionsMethod)}
	}
	return m.failure(t)
}

// merged looks once more, with single slashes, and returns the redirect to that
// path if something is there.
func (t *table) merged(b *bound, m *matcher) error {
	if t.options.KeepSlashes || !strings.Contains(m.path, "//") {
		return nil
	}
	m.path = mergeSlashes(m.path)
	r := m.run(t, t.startOf(b))
	switch {
	case r == needsSlash:
		return t.redirectTo(b, m.quoted(m.path+"/"))
	case r == nil || !r.merge:
		return nil
	}
	return t.redirectTo(b, m.quoted(m.path))
}

func mergeSlashes(path string) string {
	var merged strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			merged.WriteByte(path[i])
		}
	}
	return merged.String()
}

// oneSlash returns the path with exactly one slash at its start; the empty path
// has none.
func oneSlash(path string) string {
	if path == "" {
		return path
	}
	return "/" + strings.TrimLeft(path, "/")
}

// quoted percent-encodes the matcher's path.
func (m *matcher) quoted(path string) string {
	if m.slash == 0 {
		return string(appendEscaped(nil, path, true))
	}
	var b []byte
	for i, piece := range strings.Split(path, string([]byte{m.slash})) {
		if i > 0 {
			b = append(b, "%2F"...)
		}
		b = appendEscaped(b, piece, true)
	}
	return string(b)
}

// unescapeSegments returns the URL's decoded path with another byte in the place
// of slashes that were encoded, so that they do not part segments, and that
// byte; 0 if there was no such slash. A path that holds each byte of standIns
// besides, which no text does, is taken as it is decoded.
func unescapeSegments(u *url.URL) (string, byte) {
	escaped := u.EscapedPath()
	if !strings.Contains(escaped, "%2F") && !strings.Contains(escaped, "%2f") {
		return u.Path, 0
	}
	for _, c := range standIns {
		if strings.IndexByte(u.Path, c) >= 0 {
			continue
		}
		b := make([]byte, 0, len(u.Path))
		for i := 0; i < len(escaped); i++ {
			if escaped[i] != '%' {
				b = append(b, escaped[i])
				continue
			}
			// EscapedPath has two digits after each percent sign.
			decoded := unhex(escaped[i+1])<<4 | unhex(escaped[i+2])
			if decoded == '/' {
				decoded = c
			}
			b = append(b, decoded)
			i += 2
		}
		return string(b), c
	}
	return u.Path, 0
}

// standIns are bytes that stand for an encoded slash: those that are in no
// UTF-8 text, and then control characters.
var standIns = func() (list []byte) {
	for _, span := range [][2]int{{0xF5, 0xFF}, {0xC0, 0xC1}, {0x01, 0x1F}} {
		for c := span[0]; c <= span[1]; c++ {
			list = append(list, byte(c))
		}
	}
	return list
}()
