package routing

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// BuildOptions ask for more of a URL than [Adapter.Build] does.
type BuildOptions struct {
	// Method chooses among the endpoint's rules; "" tries the request's own
	// first, and then any.
	Method string
	// External makes the URL absolute even on the same host.
	External bool
	// Scheme is the scheme of an absolute URL; "" is the one bound to.
	Scheme string
	// NoScheme makes an absolute URL start in "//".
	NoScheme bool
	// DropUnknown leaves out values that the rule does not know, instead of
	// making them the query.
	DropUnknown bool
}

// Builder builds URLs: any [Adapter], for those who do not care what its rules
// lead to (url_for of a template).
type Builder interface {
	Build(endpoint string, values ...Value) (string, error)
	BuildWith(options BuildOptions, endpoint string, values ...Value) (string, error)
}

// Build returns the URL of the endpoint with the values: a path under the mount
// if it is on the host bound to, else an absolute URL. Of the endpoint's rules
// the one with the most variables and defaults is taken that the values suffice
// for; values it does not know become the query, in their order.
//
// What is built matches again: a value that the rule's converter would refuse,
// that would become the segment "." or "..", or that makes the URL one that
// another rule matches before, is a *[BuildError].
func (a Adapter[T]) Build(endpoint string, values ...Value) (string, error) {
	s := a.urls.snapshot.Load()
	if text, ok := s.straight(&a.bound, endpoint, values); ok {
		return text, nil
	}
	return s.build(&a.bound, BuildOptions{}, endpoint, values)
}

// BuildWith is Build with options.
func (a Adapter[T]) BuildWith(options BuildOptions, endpoint string, values ...Value) (string, error) {
	return a.urls.snapshot.Load().build(&a.bound, options, endpoint, values)
}

// building says how values become a URL. The URL itself is in two buffers that
// pass through its methods, so that they can stay on the stack.
type building struct {
	table *table
	loose bool // see Options.LooseBuild
	known bool // only values that the rule knows

	mount  int       // the length of the root path that the path begins with
	method methodSet // that the URL is for, or 0
}

func (t *table) build(b *bound, options BuildOptions, endpoint string, values []Value) (string, error) {
	if rules := t.endpoints.find(endpoint); t.bridge != nil && len(rules) > 0 {
		return t.bridge.build(b, options, rules[0], values)
	}
	var hostSpace [64]byte
	var pathSpace [256]byte
	host, path := hostSpace[:0], append(pathSpace[:0], b.rootPath()...)
	w := building{table: t, loose: t.options.LooseBuild, known: options.DropUnknown, mount: len(path)}
	var (
		r       *rule
		refused error
	)
	if options.Method != "" {
		w.method = t.bit(options.Method)
		r, host, path, refused = w.choose(host, path, b, w.method, endpoint, values)
	} else {
		if r, host, path, refused = w.choose(host, path, b, t.bit(b.method()), endpoint, values); r == nil {
			r, host, path, refused = w.choose(host, path, b, allMethods, endpoint, values)
		}
	}
	if r == nil {
		return "", t.buildError(endpoint, values, options.Method, refused)
	}
	return t.join(b, options, r, host, path)
}

// choose appends to path, and writes to host, what the first rule that fits makes
// of the values; err is why a rule refused one of them. Where the table matches
// hosts, a rule on the host bound to comes before others.
func (w building) choose(host, path []byte, b *bound, methods methodSet, endpoint string, values []Value) (r *rule, h, p []byte, err error) {
	var elsewhere *rule
	var at places
	for _, r := range w.table.endpoints.find(endpoint) {
		if r.methods&methods == 0 || !at.find(r, values) {
			continue
		}
		h, p, refused := w.rule(host[:0], path[:w.mount], r, values, &at)
		if refused != nil {
			if err == nil {
				err = refused
			}
			continue
		}
		if w.table.options.HostMatching {
			if _, here, failed := w.table.domain(b); failed != nil || string(h) != here {
				if elsewhere == nil {
					elsewhere = r
				}
				continue
			}
		}
		return r, h, p, nil
	}
	if elsewhere != nil {
		at.find(elsewhere, values)
		host, path, err = w.rule(host[:0], path[:w.mount], elsewhere, values, &at)
	}
	return elsewhere, host, path, err
}

// rule appends r's host, and its path with the query.
func (w building) rule(host, path []byte, r *rule, values []Value, p *places) (h, b []byte, err error) {
	if host, err = w.steps(host, r, r.hostOps, values, p, true); err != nil {
		return host, path, err
	}
	if path, err = w.steps(path, r, r.pathOps, values, p, false); err != nil {
		return host, path, err
	}
	if n := w.mount; len(path) > n+1 && path[n+1] == '/' {
		if !w.loose {
			return host, path, errAuthority
		}
		path = append(path[:n+1], bytes.TrimLeft(path[n:], "/")...)
	}
	if !w.loose && r.hollow {
		if err = checkDots(path, w.mount, false); err != nil {
			return host, path, err
		}
	}
	if !w.loose && r.shared {
		if err = r.checkDivision(values, p); err != nil {
			return host, path, err
		}
	}
	if !w.loose && len(path)-w.mount > leastStandIns {
		if _, _, err = decoded(string(path[w.mount:])); err != nil {
			return host, path, err
		}
	}
	if !w.loose && (r.exposed || r.hollow) {
		if err = w.table.checkShadow(r, string(host), string(path[w.mount:]), w.method); err != nil {
			return host, path, err
		}
	}
	if !w.known && p.unknown {
		path, err = w.query(path, r, values, false)
	}
	return host, path, err
}

func (w building) steps(b []byte, r *rule, ops []op, values []Value, p *places, host bool) ([]byte, error) {
	for i := range ops {
		o := &ops[i]
		if o.variable < 0 {
			b = append(b, o.text...)
			continue
		}
		v, err := &values[p.at(int(o.variable))], error(nil)
		switch {
		case host:
			b, err = r.appendLabel(b, o, v, w.loose)
		case w.loose:
			b, err = r.variables[o.variable].converter.appendValue(b, v, true)
		default:
			b, err = r.appendVariable(b, ops, i, v)
		}
		if err != nil {
			return b, fmt.Errorf("the value of %q: %w", r.variables[o.variable].name, err)
		}
	}
	return b, nil
}

// appendVariable appends the text of the variable of step i, and refuses what would
// not match again.
func (r *rule) appendVariable(b []byte, ops []op, i int, v *Value) ([]byte, error) {
	start := len(b)
	b, err := r.variables[ops[i].variable].converter.appendValue(b, v, false)
	switch {
	case err != nil:
		return b, err
	case start == len(b): // the converter takes that: see rule.hollow
	case b[len(b)-1] == '/' && i+2 == len(ops) && ops[i+1].text == "/":
		return b, errSlash
	case bytes.IndexByte(b[start:], '.') >= 0:
		return b, checkDots(b, start, i+1 < len(ops) && (ops[i+1].variable >= 0 || ops[i+1].text[0] != '/'))
	}
	return b, nil
}

// appendLabel appends the text of a variable of the host.
func (r *rule) appendLabel(b []byte, o *op, v *Value, loose bool) ([]byte, error) {
	start := len(b)
	b, err := r.variables[o.variable].converter.appendValue(b, v, loose)
	if err == nil && !loose {
		err = checkHostText(b[start:])
	}
	return b, err
}

var (
	errEmpty    = errors.New("an empty text does not match again")
	errStandIns = errors.New("there are too many control characters to tell the slashes apart")
	// RFC 3986, section 4.2: what follows two slashes is read as a host.
	errAuthority = errors.New("a path that starts in two slashes would be read as a host")
	errSlash     = errors.New("a path that ends in a slash does not match again before another one")
)

// leastStandIns is how long a path is at least that holds all of standIns, each
// of them encoded.
var leastStandIns = 3 * len(standIns)

// checkHostText refuses what would make another host of a host's label.
func checkHostText(b []byte) error {
	for _, c := range b {
		if !plainInQuery[c] || c == '/' || c == '@' || c == '?' {
			return fmt.Errorf("%q cannot stand in a host name", string(b))
		}
	}
	if len(b) == 0 || b[0] == '.' || b[len(b)-1] == '.' {
		return fmt.Errorf("%q is no part of a host name", string(b))
	}
	return nil
}

// checkDots refuses a variable's text, which is b from start on, if it makes a
// segment that a client would take out of the path (RFC 3986, section 5.2.4);
// more says that the last segment goes on behind it.
func checkDots(b []byte, start int, more bool) error {
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

// checkDivision refuses values that the rule would divide otherwise when they
// share a segment: "x-y" and "z" in "<a>-<b>".
func (r *rule) checkDivision(values []Value, places *places) error {
	first := 0
	for _, parts := range [][]part{r.host, r.way} {
		for i := range parts {
			p := parts[i].pattern
			if p == nil {
				continue
			}
			if p.variables > 1 {
				if err := r.checkPart(p, first, values, places); err != nil {
					return err
				}
			}
			first += p.variables
		}
	}
	return nil
}

func (r *rule) checkPart(p *pattern, first int, values []Value, places *places) error {
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
			value = values[places.at(first+len(want))]
		}
		encoded, err := v.converter.appendValue(nil, &value, false)
		if err != nil {
			return err
		}
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

// unescape decodes what appendEscaped encoded; a slash that was encoded stays
// apart from one that was not.
func unescape(text string, slashes bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
			if c == '/' && !slashes {
				c = 0xFF
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// join puts scheme and host before the path where they are needed.
func (t *table) join(b *bound, options BuildOptions, r *rule, built, path []byte) (string, error) {
	absolute := options.External || r.webSocket
	var host string
	if absolute || t.elsewhere || t.startOf(b) == nil {
		var here string
		var err error
		if host, here, err = t.domain(b); err != nil {
			return "", err
		}
		absolute = absolute || string(built) != here
	}
	if !absolute {
		return string(path), nil
	}
	scheme := options.Scheme
	if scheme == "" && !options.NoScheme {
		scheme = b.scheme()
	}
	switch {
	case r.webSocket && secure(scheme):
		scheme = "wss:"
	case r.webSocket:
		scheme = "ws:"
	case secure(scheme):
		scheme = "https:"
	case scheme != "":
		scheme = "http:"
	}
	return scheme + "//" + t.authority(host, string(built)) + string(path), nil
}

// values returns the Args as values to build with.
func (a *Args) values() []Value {
	var values []Value
	for name, value := range a.All() {
		values = append(values, valueOf(name, value))
	}
	return values
}
