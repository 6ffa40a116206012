package routing

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// Redirects: to a better spelling of the URL, and those that a rule asks for.

// redirectTo makes the redirect to an encoded path below the mount.
func (t *table) redirectTo(b *bound, path string) error {
	host, subdomain, err := t.domain(b)
	if err != nil {
		return err
	}
	return t.redirect(b, host, subdomain, path)
}

// redirect makes the redirect to a path below the mount, with the request's
// query.
func (t *table) redirect(b *bound, host, subdomain, path string) *Redirect {
	location := b.rootPath() + "/" + strings.TrimLeft(path, "/")
	if query := b.query(); query != "" {
		location += "?" + query
	}
	scheme := b.scheme()
	if scheme == "" {
		scheme = "http"
	}
	return &Redirect{
		Code:     http.StatusPermanentRedirect,
		Location: location,
		url:      scheme + "://" + t.authority(host, subdomain) + location,
	}
}

// authority joins a subdomain to its host.
func (t *table) authority(host, subdomain string) string {
	switch {
	case t.options.HostMatching:
		return subdomain
	case subdomain == "":
		return host
	}
	return subdomain + "." + host
}

// canonical returns the redirect from an alias to the rule it is an alias of, or
// nil if the endpoint has no other rule for the values.
func (t *table) canonical(b *bound, m *matcher, r *rule, args *Args) error {
	values := args.values()
	for _, o := range t.endpoints.find(r.endpoint) {
		if o.alias || o.methods&m.method == 0 {
			continue
		}
		if redirect := t.redirectBuilt(b, o, values); redirect != nil {
			return redirect
		}
	}
	return nil
}

// shortened returns the redirect to o, whose defaults the values spell
// out, or nil if they do not.
func (t *table) shortened(b *bound, m *matcher, o *rule, args *Args) error {
	values := args.values()
	if o.methods&m.method == 0 {
		return nil
	}
	return t.redirectBuilt(b, o, values)
}

// redirectBuilt returns the redirect to o's URL for the values, with the
// request's query; nil if it cannot be built.
func (t *table) redirectBuilt(b *bound, o *rule, values []Value) error {
	var p places
	if !p.find(o, values) {
		return nil
	}
	w := building{table: t, loose: t.options.LooseBuild, known: true}
	built, path, err := w.rule(nil, nil, o, values, &p)
	if err != nil {
		return nil
	}
	host, here, err := t.domain(b)
	if err != nil {
		return err
	}
	there := string(built)
	redirect := t.redirect(b, host, there, string(path))
	// "http" and "ws" become one another, with the "s" that may follow.
	redirect.url = strings.TrimPrefix(strings.TrimPrefix(redirect.url, "http"), "ws")
	if o.webSocket {
		redirect.url = "ws" + redirect.url
	} else {
		redirect.url = "http" + redirect.url
	}
	if there != here || o.webSocket {
		redirect.Location = redirect.url
	}
	return redirect
}

// checkRedirect reports a name in RedirectTo that the rule does not have.
func (r *rule) checkRedirect() error {
	_, err := r.fillRedirect(func(name string) (string, bool) {
		_, isDefault := r.defaultOf(name)
		return "", isDefault || r.variable(name) >= 0
	})
	return err
}

// fillRedirect replaces "<name>" in RedirectTo.
func (r *rule) fillRedirect(value func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	rest := r.redirectTo
	for {
		before, after, found := strings.Cut(rest, "<")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(after, ">")
		if !closed {
			return "", faultf(len(r.redirectTo)-len(rest)+len(before), "the variable is not closed by '>'")
		}
		text, ok := value(name)
		if !ok {
			return "", faultf(len(r.redirectTo)-len(rest)+len(before), "the rule has no variable %q", name)
		}
		b.WriteString(text)
		rest = after
	}
}

// ruleRedirect makes the redirect that the rule itself asks for.
func (t *table) ruleRedirect(b *bound, r *rule, args *Args) error {
	var target string
	if r.redirectFunc != nil {
		target = r.redirectFunc(b.request, *args)
	} else {
		target, _ = r.fillRedirect(func(name string) (string, bool) {
			slashes := false
			if i := r.variable(name); i >= 0 {
				slashes = r.variables[i].converter.form.overSlashes()
			}
			return string(appendEscaped(nil, args.String(name), slashes)), true
		})
		target = r.keepsHost(target)
	}
	host, subdomain, err := t.domain(b)
	if err != nil {
		return err
	}
	scheme := b.scheme()
	if scheme == "" {
		scheme = "http"
	}
	base := scheme + "://" + t.authority(host, subdomain)
	root, err := url.Parse(base + b.rootPath() + "/")
	if err != nil {
		return errHost
	}
	reference, err := url.Parse(target)
	if err != nil {
		return httperror.NotFound
	}
	absolute := root.ResolveReference(reference).String()
	location := absolute
	if rest, ok := strings.CutPrefix(absolute, base+"/"); ok && !strings.HasPrefix(rest, "/") {
		location = "/" + rest
	}
	return &Redirect{Code: http.StatusPermanentRedirect, Location: location, url: absolute}
}

// keepsHost returns target, which is RedirectTo with values, such that no value
// makes another scheme or host of it (RFC 3986, section 4.2).
func (r *rule) keepsHost(target string) string {
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
