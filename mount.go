package zeug

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/routing"
)

// Mount gives a handler everything below a prefix: another App, a Python application, a router of
// chi, an http.ServeMux.
//
//	zeug.Mount("/blog", blog)
//
// The handler sees the paths below the prefix: "/2024" of "/blog/2024". The prefix moves to the
// root path of [gateway.Origin], from which Zeug's packages build URLs. Rules of the App below the
// prefix match first. Variables are not allowed in the prefix, and not in the prefixes of the
// groups around it.
func Mount(prefix string, h http.Handler) Part { return mount{written(), prefix, h} }

type mount struct {
	where, prefix string
	handler       http.Handler
}

// mountConverter is the converter of the variable that stands for the path below a mount. Its
// weight puts it after all others.
const (
	mountConverter = "zeug_mount"
	restVariable   = "<" + mountConverter + ":rest>"
)

func restOfPath([]routing.Argument) (routing.Converter, error) {
	return routing.Converter{Pattern: `(?s).*`, Slashes: true, Weight: 1_000_000}, nil
}

func (m mount) addTo(l *list) {
	prefix := strings.TrimRight(m.prefix, "/")
	switch {
	case m.handler == nil:
		l.mistake(m.where, "the handler of Mount(%q) is nil", m.prefix)
		return
	case m.prefix != "" && !strings.HasPrefix(m.prefix, "/"):
		l.mistake(m.where, "the prefix %q of a Mount must begin with a slash", m.prefix)
		return
	}
	l.top().mounts = true
	h := mountedBelow{m.handler}
	for _, path := range []string{prefix + "/", prefix + "/" + restVariable} {
		l.add(routing.Rule[target]{
			Path: path, Target: target{handler: h}, StrictSlashes: routing.Off, MergeSlashes: routing.Off,
		}, m.where)
	}
}

// mountedBelow removes from the request the part of the path that the rule matched before the rest.
type mountedBelow struct{ next http.Handler }

func (m mountedBelow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prefix := strings.TrimSuffix(r.Pattern, restVariable)
	mounted{(&url.URL{Path: prefix}).EscapedPath(), m.next}.ServeHTTP(w, r)
}

// finishMounts checks the prefixes of mounts, including those of their groups. If the App itself
// has WebSockets, it lets mounted handlers have them too: a map with WebSocket rules matches the
// opening of a WebSocket only by these rules.
func (l *list) finishMounts() {
	webSockets := false
	var mounts []routing.Rule[target]
	for _, g := range l.rules {
		rule := g.(routing.Rule[target])
		webSockets = webSockets || rule.WebSocket
		prefix, ok := strings.CutSuffix(rule.Path, restVariable)
		if !ok {
			continue
		}
		if strings.Contains(prefix, "<") {
			l.mistake("", "the prefix %q of a Mount has a variable: use Handle for such a path", prefix)
		}
		rule.WebSocket = true
		mounts = append(mounts, rule)
	}
	if webSockets {
		for _, rule := range mounts {
			l.rules = append(l.rules, rule)
		}
	}
}

// mounted is a handler below a prefix that the outer router does not remove.
type mounted struct {
	prefix string
	next   http.Handler
}

func (m mounted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	below, ok := gateway.Mount(r, m.prefix)
	if !ok {
		httperror.Respond(w, r, httperror.NotFound)
		return
	}
	requestcopy.Serve(m.next, w, below, r)
}
