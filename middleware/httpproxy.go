package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
)

// HTTPProxy passes requests below some prefixes to other servers, with [httputil.ReverseProxy], and
// all others to the application (Werkzeug's ProxyMiddleware). Upgrades such as websockets work,
// responses are streamed, and connections are reused.
//
// The other server gets the client in X-Forwarded-For, -Host, -Proto and -Prefix, with the values
// of the request's [gateway.Origin]; the client's own fields of these names are dropped. If a
// server cannot be reached, the response is 502; if it is too slow, 504.
type HTTPProxy struct {
	// Targets are the servers by path prefix, "/api". The longest prefix of
	// whole segments is chosen; "/" takes everything.
	Targets map[string]ProxyTarget
	// Timeout limits the time to connect to a server, and separately the time
	// until it begins its response. 0 means 10 s, a negative duration no limit.
	Timeout time.Duration
	// Transport makes the requests. If it is nil, each target has a transport of its own, with the
	// environment's proxies switched off. If you set it, Timeout and ProxyTarget.TLS have no
	// effect.
	Transport http.RoundTripper
	// Logger gets a record if a server could not answer. Default: [slog.Default].
	Logger *slog.Logger
}

// ProxyTarget is a server behind an [HTTPProxy].
type ProxyTarget struct {
	// URL is the address of the server, "http://127.0.0.1:8000" or with a path, to which the
	// request's path is appended.
	URL string
	// Host is the Host to send. Default: the host of URL.
	Host string
	// PreserveHost sends the client's Host. It excludes Host.
	PreserveHost bool
	// RemovePrefix removes the prefix from the path.
	RemovePrefix bool
	// Headers are set on every request to this server.
	Headers http.Header
	// TLS is for servers whose certificates need it.
	TLS *tls.Config
}

// Wrap returns a handler that passes requests to the targets, and all others to next. It panics if
// the URL of a target is not valid.
func (p HTTPProxy) Wrap(next http.Handler) http.Handler {
	p.Timeout = limits.Duration(p.Timeout, 10*time.Second)
	if p.Logger == nil {
		p.Logger = slog.Default()
	}
	var mounts []proxyMount
	for prefix, target := range p.Targets {
		prefix = strings.Trim(prefix, "/")
		u, err := url.Parse(target.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			panic(fmt.Sprintf("middleware.HTTPProxy: target %q of prefix /%s is not a URL with http or https and a host", target.URL, prefix))
		}
		if u.RawQuery != "" || u.Fragment != "" {
			panic(fmt.Sprintf("middleware.HTTPProxy: target %q of prefix /%s has a query or a fragment", target.URL, prefix))
		}
		if target.PreserveHost && target.Host != "" {
			panic(fmt.Sprintf("middleware.HTTPProxy: Host and PreserveHost are both set for prefix /%s", prefix))
		}
		if slices.ContainsFunc(mounts, func(m proxyMount) bool { return m.prefix == "/"+prefix }) {
			panic(fmt.Sprintf("middleware.HTTPProxy: two targets for prefix /%s", prefix))
		}
		mounts = append(mounts, proxyMount{"/" + prefix, p.proxy("/"+prefix, target, u)})
	}
	// A longer prefix is tried first. If two different prefixes have the same length, neither
	// contains the other.
	slices.SortFunc(mounts, func(a, b proxyMount) int {
		if d := len(b.prefix) - len(a.prefix); d != 0 {
			return d
		}
		return strings.Compare(a.prefix, b.prefix)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range mounts {
			if below, ok := gateway.Mount(r, m.prefix); ok {
				m.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), proxiedKey{}, proxied{r, below})))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

type proxyMount struct {
	prefix string
	proxy  *httputil.ReverseProxy
}

// proxied is a request for another server, stored in the context: the original
// request, and the request below the prefix.
type proxied struct{ received, below *http.Request }

type proxiedKey struct{}

func proxiedOf(r *http.Request) proxied { return r.Context().Value(proxiedKey{}).(proxied) }

func (p HTTPProxy) proxy(prefix string, target ProxyTarget, u *url.URL) *httputil.ReverseProxy {
	transport := p.Transport
	if transport == nil {
		transport = &http.Transport{
			DialContext:           (&net.Dialer{Timeout: p.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   p.Timeout,
			ResponseHeaderTimeout: p.Timeout,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   64,
			ForceAttemptHTTP2:     true,
			TLSClientConfig:       target.TLS,
			// The client and the server agree on a coding between themselves.
			DisableCompression: true,
		}
	}
	return &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  slog.NewLogLogger(p.Logger.Handler(), slog.LevelWarn),
		Rewrite: func(pr *httputil.ProxyRequest) {
			from := pr.In
			root := gateway.RootPath(from)
			if target.RemovePrefix {
				from = proxiedOf(from).below
				root = gateway.RootPath(from)
			}
			pr.Out.URL.Scheme, pr.Out.URL.Host = u.Scheme, u.Host
			joined := u.JoinPath("/")
			pr.Out.URL.Path = strings.TrimSuffix(joined.Path, "/") + from.URL.Path
			pr.Out.URL.RawPath = strings.TrimSuffix(joined.EscapedPath(), "/") + from.URL.EscapedPath()
			// The query is sent unchanged: ReverseProxy drops parts that net/url cannot parse.
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery

			o := gateway.OriginOf(pr.In)
			switch {
			case target.PreserveHost:
				pr.Out.Host = o.Host
			case target.Host != "":
				pr.Out.Host = target.Host
			default:
				pr.Out.Host = u.Host
			}
			h := pr.Out.Header
			h.Del("X-Forwarded-Prefix")
			h.Del("X-Forwarded-Port")
			if o.Client.IsValid() {
				h.Set("X-Forwarded-For", o.Client.Addr().String())
			}
			h.Set("X-Forwarded-Host", o.Host)
			h.Set("X-Forwarded-Proto", o.Scheme)
			if root != "" {
				h.Set("X-Forwarded-Prefix", root)
			}
			for name, values := range target.Headers {
				h[http.CanonicalHeaderKey(name)] = values
			}
		},
		ErrorHandler: func(w http.ResponseWriter, out *http.Request, err error) {
			// The code that answers or logs the failure must get the client's request.
			r := proxiedOf(out).received
			if r.Context().Err() == nil {
				p.Logger.WarnContext(r.Context(), "proxied server did not answer", "target", u.Redacted(), "prefix", prefix, "err", err)
			}
			httperror.Respond(w, r, proxyError(err))
		},
	}
}

// proxyError is the response if a server did not send one.
func proxyError(err error) error {
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout() {
		return &httperror.Error{Code: httperror.GatewayTimeout, Description: "The server behind this one took too long to answer.", Err: err}
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return &httperror.Error{Code: httperror.ContentTooLarge, Err: err}
	}
	return &httperror.Error{Code: httperror.BadGateway, Description: "The server behind this one did not answer.", Err: err}
}
