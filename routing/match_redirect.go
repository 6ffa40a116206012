package routing

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/percent"
)

// Redirects: to a better spelling of the URL, or because a rule asks for it.
//
//	/user/7 for the rule /user/<int:id>/            /user/7/
//	/all/1 beside /all/ with the default page=1     /all/
//	/old/007 for RedirectTo "/new/<id>"             /new/7
//
// A redirect keeps the request's query, and its Location is a path if the host stays. Werkzeug's are
// absolute; a path is right behind every proxy. RedirectError.URL has the absolute form. The status is
// 308, with which a client repeats the method and the body.
//
// A match is first asked whether it is an alias, then whether its values are defaults of a shorter
// rule, then whether the rule itself redirects (resolve in match_lookup.go). All of these build the
// URL of a rule, so a redirect never leads to a URL that does not match: if the URL cannot be built,
// there is no redirect.

// redirectTo makes the redirect to an encoded path below the mount. It is for redirects to another
// spelling of the same path, which stay on the host of the request.
func (t *table) redirectTo(b *bound, path string) error {
	// A table whose rules all have one host does not look at the request's host for a match. URL
	// needs it, and an invalid one is a 400.
	host, subdomain, err := t.domain(b)
	if err != nil {
		return err
	}
	return t.redirect(b, host, subdomain, path)
}

// redirect makes the redirect to a path below the mount, with the request's query. For the mount
// /app, the path "/user/7/" and the query "x=1" the Location is "/app/user/7/?x=1".
func (t *table) redirect(b *bound, host, subdomain, path string) *RedirectError {
	location := b.rootPath() + "/" + strings.TrimLeft(path, "/") // never "//host"
	if query := b.query(); query != "" {
		location += "?" + query
	}
	return &RedirectError{
		Code:     http.StatusPermanentRedirect,
		Location: location,
		url:      t.scheme(b) + "://" + t.authority(host, subdomain) + location,
	}
}

// canonical returns the redirect from an alias to its rule, or nil if the endpoint has no other
// rule for the values. If the table matches hosts, a rule on the request's host comes before
// others. It is Werkzeug's make_alias_redirect_url. For the rules /al/<int:id> and its alias
// /alias/<int:id>, a request for /alias/7 is redirected to /al/7.
func (t *table) canonical(b *bound, m *matcher, r *rule, params Params) error {
	values := params.values()
	var elsewhere error
	for _, o := range t.endpoints[r.endpoint] {
		// The method must fit too, because the client repeats it.
		if o.alias || o.methods&m.method == 0 {
			continue
		}
		redirect, here := t.redirectBuilt(b, o, values)
		if redirect != nil && (here || !t.options.HostMatching) {
			return redirect
		}
		if elsewhere == nil {
			elsewhere = redirect
		}
	}
	return elsewhere
}

// shortened returns the redirect to o if the values are equal to o's defaults, otherwise nil. It
// asks whether o's URL can be built with the values, which is the same question. For the rules
// /all/ with the default page=1 and /all/<int:page>, o is the first one: /all/1 is redirected to
// /all/, and /all/2 is not. It is Werkzeug's get_default_redirect.
func (t *table) shortened(b *bound, m *matcher, o *rule, params Params) error {
	values := params.values()
	if o.methods&m.method == 0 {
		return nil
	}
	redirect, _ := t.redirectBuilt(b, o, values)
	return redirect
}

// redirectBuilt returns the redirect to o's URL for the values, with the request's query, and
// whether the URL is on the request's host. It returns nil if the URL cannot be built.
func (t *table) redirectBuilt(b *bound, o *rule, values []Value) (err error, onHost bool) {
	var p valueIndexes
	if !p.find(o, values) {
		return nil, false
	}
	w := building{table: t, loose: t.options.LooseBuild, known: true}
	built, path, err := w.rule(nil, nil, o, values, &p)
	if err != nil {
		return nil, false
	}
	host, here, err := t.domain(b)
	if err != nil {
		return err, false
	}
	there := string(built)
	redirect := t.redirect(b, host, there, string(path))
	// "http" and "ws" are exchanged, and an "s" after them stays. redirect has the scheme of the
	// request. The rule may be for a WebSocket where the request is not, or the other way round.
	redirect.url = strings.TrimPrefix(strings.TrimPrefix(redirect.url, "http"), "ws")
	if o.webSocket {
		redirect.url = "ws" + redirect.url
	} else {
		redirect.url = "http" + redirect.url
	}
	// A path would stay on the host. For a WebSocket, it would also keep the scheme of the page.
	if there != here || o.webSocket {
		redirect.Location = redirect.url
	}
	return redirect, there == here
}

// values returns the Params as values for building a URL. They are parsed values, which are
// formatted again: the alias /alias/007 leads to /al/7.
func (p Params) values() []Value {
	var values []Value
	for name, value := range p.All() {
		values = append(values, valueOf(name, value))
	}
	return values
}

// redirectStep is one piece of RedirectTo: a literal or a value.
//
//	x/<id>?from=<id>    literal "x/"; id; literal "?from="; id, in the query
type redirectStep struct {
	literal string
	name    string // of the value, if there is no literal
	query   bool   // the value is in the query
}

// splitRedirect splits RedirectTo at its values, when the Map is made, so that a mistake is found
// there. It reports a name that the rule does not have, and a value where the host would be.
//
//	"/new/<id>?from=<name>"      "/new/"  id  "?from="  name (in the query)
//	"https://<name>.test/"       an error: the client would choose the host
func (r *rule) splitRedirect() (steps []redirectStep, err error) {
	rest, offset := r.redirectTo, 0
	// Offsets before authority are in the scheme or host.
	authority := authorityOf(r.redirectTo)
	query := false
	for rest != "" {
		literal, after, found := strings.Cut(rest, "<")
		// In the query, a value has other escapes, and may contain slashes and dots.
		query = (query || strings.Contains(literal, "?")) && !strings.Contains(literal, "#")
		if literal != "" {
			steps = append(steps, redirectStep{literal: literal})
		}
		if !found {
			break
		}
		offset += len(literal)
		name, after, closed := strings.Cut(after, ">")
		_, isDefault := r.defaultOf(name)
		switch {
		case !closed:
			return nil, faultf(offset, "the variable is not closed by '>'")
		case !isDefault && r.variable(name) < 0:
			return nil, faultf(offset, "the rule has no variable %q", name)
		case offset < authority:
			return nil, faultf(offset, "a value would name the host: use RedirectFunc, which can check it")
		}
		steps = append(steps, redirectStep{name: name, query: query})
		rest, offset = after, offset+len(name)+2
	}
	return steps, nil
}

// authorityOf returns where the host of a URL ends; 0 if it has none:
//
//	https://a.test/x    14
//	//a.test            8
//	/x//y, x?u=//y      0
func authorityOf(target string) int {
	start := strings.Index(target, "//")
	if start < 0 || start > strings.IndexAny(target, "/?#<") {
		return 0
	}
	if end := strings.IndexAny(target[start+2:], "/?#"); end >= 0 {
		return start + 2 + end
	}
	return len(target)
}

// redirectTarget inserts the values into RedirectTo. It returns an error if a value would take
// segments out of the path.
//
//	/new/<id>         7        /new/7
//	/x/<to>           ".."     an error
//	/x/<to>.html      ".."     /x/...html
//	/x?u=<to>         a/../b   /x?u=a/../b
func (r *rule) redirectTarget(params Params, loose bool) (string, error) {
	var b []byte
	for i, step := range r.redirect {
		if step.literal != "" {
			b = append(b, step.literal...)
			continue
		}
		start := len(b)
		var err error
		if b, err = r.appendRedirectValue(b, step, params, loose); err != nil {
			return "", err
		}
		// more: another value or more of the segment follows, so that ".." may become "..x".
		next := i + 1
		more := next < len(r.redirect) && (r.redirect[next].literal == "" || !strings.ContainsRune("/?#", rune(r.redirect[next].literal[0])))
		if !step.query {
			if err := checkDots(b, start, more); err != nil {
				return "", err
			}
		}
	}
	return string(b), nil
}

// appendRedirectValue appends a value in the form that a URL of the rule would have.
func (r *rule) appendRedirectValue(b []byte, step redirectStep, params Params, loose bool) ([]byte, error) {
	given, _ := params.Get(step.name)
	value := valueOf(step.name, given)
	// The converter formats it as in a URL of this rule: fixed_digits keeps its zeros, and a path
	// its slashes. Defaults and values of conditions have no converter.
	if i := r.variable(step.name); i >= 0 && !step.query && !r.hasDefault(step.name) {
		return r.variables[i].converter.appendValue(b, &value, loose)
	}
	text, err := value.Text()
	switch {
	case err != nil:
		return b, err
	case step.query:
		return percent.AppendQuery(b, text), nil
	}
	return appendEscaped(b, text, false), nil
}

// ruleRedirect makes the redirect that the rule itself asks for. Its target is a reference as in a
// link, and is resolved against the root of the mount (RFC 3986, section 5.2). For the mount /app:
//
//	x/7                 /app/x/7
//	/x/7                /x/7
//	https://a.test/x    https://a.test/x
func (t *table) ruleRedirect(b *bound, r *rule, params Params) error {
	var target string
	if r.redirectFunc != nil {
		target = r.redirectFunc(b.request, params)
	} else {
		var err error
		// The client chose the value, so this is a 404 and not a mistake of the program.
		if target, err = r.redirectTarget(params, t.options.LooseBuild); err != nil {
			return httperror.NotFound
		}
		target = r.keepsHost(target)
	}
	host, subdomain, err := t.domain(b)
	if err != nil {
		return err
	}
	base := t.scheme(b) + "://" + t.authority(host, subdomain)
	root, err := url.Parse(base + b.rootPath() + "/")
	if err != nil {
		return errHost
	}
	// RedirectFunc is the program's, and may return what is not a URL for some values.
	reference, err := url.Parse(target)
	if err != nil {
		return httperror.NotFound
	}
	absolute := root.ResolveReference(reference).String()
	location := absolute
	// On the same host, the Location is a path, unless it would begin with two slashes and be read
	// as a host.
	if rest, ok := strings.CutPrefix(absolute, base+"/"); ok && !strings.HasPrefix(rest, "/") {
		location = "/" + rest
	}
	return &RedirectError{Code: http.StatusPermanentRedirect, Location: location, url: absolute}
}

// keepsHost returns target, which is RedirectTo with its values, in a form in which no value can
// change the scheme or host (RFC 3986, section 4.2).
//
//	RedirectTo     value               target               returned
//	"<to>"         "javascript:x"      "javascript:x"       "./javascript:x"
//	"/<to>"        "/evil.example"     "//evil.example"     "/evil.example"
func (r *rule) keepsHost(target string) string {
	// first is RedirectTo up to its first slash, query or fragment. A value in it could become a
	// scheme.
	first := r.redirectTo
	if i := strings.IndexAny(first, "/?#"); i >= 0 {
		first = first[:i]
	}
	switch {
	case strings.Contains(first, "<"):
		return "./" + target
	case strings.HasPrefix(target, "//") && !strings.HasPrefix(r.redirectTo, "//"):
		return "/" + strings.TrimLeft(target, "/")
	}
	return target
}
