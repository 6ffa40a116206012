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
)

// KeepHost is a [ProxyTarget.Host] that hands on the Host the client sent.
const KeepHost = "<client>"

// HTTPProxy hands what is below some prefixes to other servers, over
// [httputil.ReverseProxy], and all else to the application (Werkzeug's
// ProxyMiddleware). Upgrades such as websockets go through, answers are
// streamed, connections are kept.
//
// The other server learns of the client by X-Forwarded-For, -Host, -Proto and
// -Prefix, which say what the request's [gateway.Origin] does; what the client
// itself sent in them is dropped. A server that cannot be reached is answered
// for by 502, one that is too slow by 504.
type HTTPProxy struct {
	// Targets are the servers by path prefix, "/api". The longest prefix of
	// whole segments wins; "/" takes everything.
	Targets map[string]ProxyTarget
	// Timeout is how long a server may take to be connected to and to begin its
	// answer, each. 0 means 10 s.
	Timeout time.Duration
	// Transport makes the requests. Where it is nil each target has a transport
	// of its own, with the environment's proxies switched off. With one, Timeout
	// and ProxyTarget.TLS are the transport's business.
	Transport http.RoundTripper
	// Logger is told why a server could not answer. Default: [slog.Default].
	Logger *slog.Logger
}

// ProxyTarget is a server behind an [HTTPProxy].
type ProxyTarget struct {
	// URL is where the server is, "http://127.0.0.1:8000" or with a path, below
	// which the request's path is put.
	URL string
	// Host is the Host to send: "" for the URL's own, [KeepHost] for the
	// client's, or a fixed one.
	Host string
	// RemovePrefix removes the prefix from the path.
	RemovePrefix bool
	// Headers are set on every request to this server.
	Headers http.Header
	// TLS is for servers with certificates of their own.
	TLS *tls.Config
}

// Wrap returns a handler that asks the targets, and next for all else. It
// panics if a target's URL is none.
func (p HTTPProxy) Wrap(next http.Handler) http.Handler {
	if p.Timeout < 0 {
		panic("middleware.HTTPProxy: Timeout is negative")
	}
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
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
		if slices.ContainsFunc(mounts, func(m proxyMount) bool { return m.prefix == "/"+prefix }) {
			panic(fmt.Sprintf("middleware.HTTPProxy: two targets for prefix /%s", prefix))
		}
		mounts = append(mounts, proxyMount{"/" + prefix, p.proxy("/"+prefix, target, u)})
	}
	// A longer prefix is asked first; of two that differ none is in the other.
	slices.SortFunc(mounts, func(a, b proxyMount) int {
		if d := len(b.prefix) - len(a.prefix); d != 0 {
			return d
		}
		return strings.Compare(a.prefix, b.prefix)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range mounts {
			if below, ok := gateway.Mount(r, m.prefix); ok {
				m.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), belowKey{}, below)))
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

// belowKey finds, in a proxied request's context, the request as it is below
// the prefix.
type belowKey struct{}

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
				from = from.Context().Value(belowKey{}).(*http.Request)
				root = gateway.RootPath(from)
			}
			pr.Out.URL.Scheme, pr.Out.URL.Host = u.Scheme, u.Host
			joined := u.JoinPath("/")
			pr.Out.URL.Path = strings.TrimSuffix(joined.Path, "/") + from.URL.Path
			pr.Out.URL.RawPath = strings.TrimSuffix(joined.EscapedPath(), "/") + from.URL.EscapedPath()
			// As it came: ReverseProxy drops what net/url cannot read of it.
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery

			o := gateway.OriginOf(pr.In)
			switch target.Host {
			case "":
				pr.Out.Host = u.Host
			case KeepHost:
				pr.Out.Host = o.Host
			default:
				pr.Out.Host = target.Host
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
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				p.Logger.WarnContext(r.Context(), "proxied server did not answer", "target", u.Redacted(), "prefix", prefix, "err", err)
			}
			httperror.Respond(w, r, proxyError(err))
		},
	}
}

// proxyError is the answer for a server that did not give one.
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
