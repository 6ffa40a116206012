package routing

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/percent"
)

// Building a URL: the endpoint's rules are tried in order, and the URL of the first rule for which
// the values suffice is written step by step.
//
//	rules    /entries/                page=1 is its default
//	         /entries/<int:page>
//	values   page=2, sort="new first"
//
//	the first needs page=1: no
//	the second: "/entries/" "2", and what is left is the query "?sort=new+first"
//
// If the caller names no method, the rules for the request's method are tried first, and then all
// others. So the view of a form builds the URL of the rule for POST if there are two. With
// HostMatching, a rule on the host of the request is preferred to one that was registered earlier on
// another host: its URL needs no scheme and no host.
//
// The host and the path are in two buffers that pass through the methods, so that they can stay on
// the stack. So a URL costs only one allocation, its string. A rule that refuses a value leaves its
// bytes in them, and the next rule begins again at the mount.
//
// These are the checks of a rule's URL, from the cheap ones to the walk. Most are made only for values
// that can fail them, or for rules that can, as buildFlags say:
//
//	values of the right form        each converter, while it writes
//	segments "." and ".."           a client would remove them
//	two slashes at the start        a client would read a host
//	several values in a segment     would they be divided in the same way?
//	stand-ins for slashes           is a byte left for them?
//	rules that come first           the URL is matched, without a request

// building says how values become a URL.
type building struct {
	table *table
	// loose is Options.LooseBuild. Then only words and values without a text are refused.
	loose bool
	// known leaves out values that the rule does not have, which would be the query. It is set by
	// BuildOptions.DropUnknown, and for redirects, whose query is that of the request.
	known bool

	// mount is the length of the root path with which the buffer of the path begins, and at which
	// the rule's own path begins.
	mount int
	// method is the method that the caller named; 0 means that the URL is for any method.
	method methodSet
}

// build is what Build and BuildWith do without the fast path. This is Werkzeug's MapAdapter.build,
// and choose is its _partial_build.
func (t *table) build(b *bound, options BuildOptions, endpoint string, values []Value) (string, error) {
	// Most hosts and paths fit, so they are written on the stack. append makes longer ones.
	var hostSpace [64]byte
	var pathSpace [256]byte
	host, path := hostSpace[:0], append(pathSpace[:0], b.rootPath()...)
	w := building{table: t, loose: t.options.LooseBuild, known: options.DropUnknown, mount: len(path)}
	var (
		r       *rule
		refused error
	)
	if options.Method != "" {
		w.method = t.bit(options.Method) // checkShadow asks whether this method reaches the rule
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

// choose finds the first rule that the values fit. It appends the rule's path to path, and writes
// its host to host; err is the reason why a rule refused a value. If the table matches hosts, a
// rule on the bound host comes before others. For the rules /form for GET and /form/send for POST
// of one endpoint, the methods of a POST request choose the second.
func (w building) choose(host, path []byte, b *bound, methods methodSet, endpoint string, values []Value) (r *rule, h, p []byte, err error) {
	var elsewhere *rule
	var at valueIndexes
	for _, r := range w.table.endpoints[endpoint] {
		if r.methods&methods == 0 || !at.find(r, values) {
			continue
		}
		h, p, refused := w.rule(host[:0], path[:w.mount], r, values, &at)
		if refused != nil {
			if err == nil { // the preferred rule has the reason that helps most
				err = refused
			}
			continue
		}
		if w.table.options.HostMatching {
			// If the request's host is not valid, no rule is on it, and join returns the error.
			if _, here, failed := w.table.domain(b); failed != nil || string(h) != here {
				if elsewhere == nil {
					elsewhere = r
				}
				continue
			}
		}
		return r, h, p, nil
	}
	// The buffers have the URL of a later rule by now, so this one is written again.
	if elsewhere != nil {
		at.find(elsewhere, values)
		host, path, err = w.rule(host[:0], path[:w.mount], elsewhere, values, &at)
	}
	return elsewhere, host, path, err
}

// rule appends r's host, and its path with the query. For the mount /app, the rule /search/<lang>
// and lang="de", q="a b" the path is "/app/search/de?q=a+b". The errors are those of values; a
// missing value cannot happen here, because find has been asked.
func (w building) rule(host, path []byte, r *rule, values []Value, p *valueIndexes) (h, b []byte, err error) {
	// Only if more values were given than used can one name be given twice.
	if p.unknown {
		if err = p.twice(r, values); err != nil {
			return host, path, err
		}
	}
	if host, err = w.host(host, r, values, p); err != nil {
		return host, path, err
	}
	if path, err = w.steps(path, r, r.pathOps, values, p, false); err != nil {
		return host, path, err
	}
	// An empty first value makes "//evil.example", which a browser reads as a host.
	if n := w.mount; len(path) > n+1 && path[n+1] == '/' {
		if !w.loose {
			return host, path, errAuthority
		}
		// With LooseBuild the slashes become one, as oneSlash reads them in a request.
		path = append(path[:n+1], bytes.TrimLeft(path[n:], "/")...)
	}
	// Each value was checked when it was written. Only values that may be empty can make a segment
	// of dots together: with an empty a and b, the rule /<a>.<b> has the URL "/.".
	if !w.loose && r.build.takesEmpty {
		if err = checkDots(path, w.mount, false); err != nil {
			return host, path, err
		}
	}
	// From here on, the checks make sure that the URL matches again with the same values. Each one is
	// made only for rules that need it; build_again.go has examples.
	if !w.loose && r.build.sharesParts {
		if err = r.checkDivision(values, p); err != nil {
			return host, path, err
		}
	}
	// The path must be decodable with a stand-in for its encoded slashes (match_path.go). Only a
	// long one can hold all bytes that could be one.
	if !w.loose && len(path)-w.mount > leastStandIns {
		if _, _, err = decoded(string(path[w.mount:])); err != nil {
			return host, path, err
		}
	}
	if !w.loose && (r.build.canBeShadowed || r.build.takesEmpty) {
		if err = w.table.checkShadow(r, string(host), string(path[w.mount:]), w.method); err != nil {
			return host, path, err
		}
	}
	if !w.known && p.unknown {
		path, err = w.query(path, r, values)
	}
	return host, path, err
}

// host appends r's host, or the part of it before the server's name.
func (w building) host(b []byte, r *rule, values []Value, p *valueIndexes) ([]byte, error) {
	b, err := w.steps(b, r, r.hostOps, values, p, true)
	if err == nil && !w.loose && r.match.hasHostParams {
		err = w.checkHost(string(b))
	}
	return b, err
}

// steps writes the steps of a host or a path, with the value of each variable. A variable with a
// default has no step: setDefaults has made a string of it. For "/user/" id "/" name with id=7 and
// name="anna" it appends "/user/7/anna".
func (w building) steps(b []byte, r *rule, ops []op, values []Value, p *valueIndexes, host bool) ([]byte, error) {
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

// appendVariable appends the string of the variable of step i, and refuses one that would not
// match again.
func (r *rule) appendVariable(b []byte, ops []op, i int, v *Value) ([]byte, error) {
	start := len(b)
	b, err := r.variables[ops[i].variable].converter.appendValue(b, v, false)
	switch {
	case err != nil:
		return b, err
	case start == len(b): // the converter accepts an empty string: see buildFlags.takesEmpty
	// "a/" for /d/<path:p>/ makes "/d/a//", which would be redirected to a single slash.
	case b[len(b)-1] == '/' && i+2 == len(ops) && ops[i+1].text == "/":
		return b, errSlash
	// Nearly all values have no dot, and one search tells so.
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

// checkHostText refuses values that would turn a label of the host into a different host. A value
// may come from a form, and the label "me@evil.test/" would make a link to evil.test.
//
//	anna, a.b                   accepted
//	me@evil.test/, ü, "a b"     errors: the host would change, or is not in ASCII
//	"", .a                      errors: an empty label
func checkHostText(b []byte) error {
	for _, c := range b {
		if !percent.Query[c] || c == '/' || c == '@' || c == '?' {
			return fmt.Errorf("%q cannot stand in a host name", string(b))
		}
	}
	if len(b) == 0 || b[0] == '.' || b[len(b)-1] == '.' {
		return fmt.Errorf("%q cannot be part of a host name", string(b))
	}
	return nil
}

// checkHost refuses a host that a request would spell in another way, so that its values would not
// match again. Each variable alone has passed checkHostText.
//
//	anna         accepted
//	Anna         a request has "anna"
//	a..b, a:80   not valid before ".example.org"
func (w building) checkHost(host string) error {
	full := host
	if !w.table.options.HostMatching {
		full += ".example" // the ServerName, or the host of the request
	}
	normal, err := hosts.Normalize(full, "")
	if err == nil {
		_, err = url.Parse("//" + full)
	}
	if err != nil || normal != full {
		return fmt.Errorf("the host %q does not match again: labels are in lower case and not empty, and only the last may have a port", host)
	}
	return nil
}

// join puts scheme and host before the path if they are needed: for another host, for a WebSocket,
// whose scheme a page must name, and if the caller asks. Otherwise the URL is a path, which is right
// whatever host and scheme a proxy in front has. The request's host is looked at only if some rule is
// on another one.
//
//	/g on the request's host                   /g
//	External                                   http://x.test/g
//	External, NoScheme                         //x.test/g
//	External, Scheme "wss"                     https://x.test/g, since the rule is not a WebSocket
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
	// Scheme may be that of a page or of a WebSocket: only its "s" counts.
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
