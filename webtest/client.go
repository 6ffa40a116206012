package webtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// TB is the part of a [testing.TB] that a Client needs.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
	Context() context.Context
}

// Client is a browser: it has cookies, and an application to which it sends
// requests. Several goroutines may use one.
type Client struct {
	// Jar holds the cookies, and the clock that decides when they expire.
	// Clients that share a Jar are the same browser.
	Jar *Jar

	t       TB
	options []Option
	last    *lastAnswer
	own     http.RoundTripper
}

// lastAnswer is the response that is printed when the test fails.
type lastAnswer struct {
	sync.Mutex
	*Response
}

// New returns a Client of the application, without cookies. A nil t is for
// programs and examples: failures that would fail the test panic.
func New(t TB, app http.Handler, options ...Option) *Client {
	m := &memory{handler: app}
	c := newClient(t, m, options)
	m.logf = c.t.Logf
	return c
}

func newClient(t TB, rt http.RoundTripper, options []Option) *Client {
	if t == nil {
		t = panics{}
	}
	c := &Client{Jar: new(Jar), t: t, options: options, last: new(lastAnswer), own: rt}
	t.Cleanup(func() {
		c.last.Lock()
		defer c.last.Unlock()
		if c.last.Response != nil && t.Failed() {
			t.Logf("webtest: the last exchange\n%s", c.last.Response)
		}
	})
	return c
}

// With returns a client like c whose requests are changed by more options. It
// shares the cookies of c.
func (c *Client) With(options ...Option) *Client {
	d := *c
	d.options = slices.Concat(c.options, options)
	return &d
}

// Get sends a GET request to target: a path below the base URL, with a query or not, or an
// absolute URL. Characters that are not ASCII are encoded; everything else in the path is sent
// unchanged.
func (c *Client) Get(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodGet, target, options...)
}

// Head sends a HEAD request; for target see [Client.Get].
func (c *Client) Head(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodHead, target, options...)
}

// Post sends a POST request with the body that the options set: [Body], [JSON],
// [Form], [File]. For target see [Client.Get].
func (c *Client) Post(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodPost, target, options...)
}

// Put sends a PUT request with the body that the options set.
func (c *Client) Put(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodPut, target, options...)
}

// Patch sends a PATCH request with the body that the options set.
func (c *Client) Patch(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodPatch, target, options...)
}

// Delete sends a DELETE request.
func (c *Client) Delete(target string, options ...Option) *Response {
	c.t.Helper()
	return c.Do(http.MethodDelete, target, options...)
}

// Do sends a request with any method and returns its response, read to the end
// unless [Stream] is among the options. For target see [Client.Get].
func (c *Client) Do(method, target string, options ...Option) *Response {
	c.t.Helper()
	r, err := c.prepare(options)
	if err != nil {
		c.t.Fatalf("webtest: %s %s: %v", method, target, err)
	}
	u, err := resolve(r.base, target)
	if err != nil {
		c.t.Fatalf("webtest: %s %s: %v", method, target, err)
	}
	if len(r.query) > 0 {
		u.RawQuery = strings.Join(slices.DeleteFunc(append([]string{u.RawQuery}, r.query...), func(s string) bool { return s == "" }), "&")
	}
	resp, err := c.run(r, method, u)
	if resp != nil {
		c.last.Lock()
		c.last.Response = resp
		c.last.Unlock()
	}
	if err != nil {
		if r.mayAbort && resp != nil && resp.Err != nil {
			return resp
		}
		if resp == nil {
			c.t.Fatalf("webtest: %s %s: %v", method, u, err)
		}
		c.t.Fatalf("webtest: %s %s: %v\n%s", method, u, err, resp)
	}
	return resp
}

// prepare applies the options.
func (c *Client) prepare(options []Option) (*request, error) {
	r := &request{
		base:      &url.URL{Scheme: "http", Host: "example.com"},
		transport: c.own,
		header:    http.Header{"User-Agent": {"zeug-webtest"}},
		ctx:       c.t.Context(),
		way:       way{remoteAddr: "127.0.0.1:40000"},
	}
	if l, ok := c.own.(*live); ok {
		r.base = l.base
	}
	for _, option := range c.options {
		option(r)
	}
	for _, option := range options {
		option(r)
	}
	if l, ok := r.transport.(*live); ok {
		if err := l.check(r); err != nil {
			r.errs = append(r.errs, err)
		}
	}
	r.root = r.base.Path
	return r, errors.Join(r.errs...)
}

// run sends the request and follows redirects.
func (c *Client) run(r *request, method string, u *url.URL) (*Response, error) {
	body, mediaType, err := r.payload()
	if err != nil {
		return nil, err
	}
	if _, set := r.header["Content-Type"]; !set && mediaType != "" {
		r.header.Set("Content-Type", mediaType)
	}
	var trail trail
	for {
		resp, err := c.exchange(r, method, u, body)
		if resp == nil {
			resp = trail.last()
		} else {
			resp.History = trail.answers
		}
		if err != nil || !r.follow {
			return resp, err
		}
		next, err := trail.next(r, resp)
		if err != nil || next == nil {
			return resp, err
		}
		if resp.live {
			resp.Body.Close()
		}
		if !sameOrigin(u, next) {
			r.header.Del("Authorization")
			r.header.Del("Host")
		}
		u = next
		if m := redirected(resp.Status, method); m != method {
			method, body = m, nil
			for _, name := range []string{"Content-Encoding", "Content-Language", "Content-Location", "Content-Type", "Transfer-Encoding", "Content-Length"} {
				r.header.Del(name)
			}
		}
	}
}

// exchange sends one request.
func (c *Client) exchange(r *request, method string, u *url.URL, body *content) (*Response, error) {
	resp := &Response{t: c.t, client: c}
	ctx := context.WithValue(r.ctx, wayKey{}, r.way)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			resp.Informational = append(resp.Informational, Informational{code, http.Header(header)})
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, method, "http://"+u.Host, nil)
	if err != nil {
		return nil, err
	}
	sent := *u
	sent.Fragment, sent.RawFragment = "", ""
	req.URL, req.Host = &sent, u.Host
	req.Header = r.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	if body != nil {
		reader, err := body.open()
		if err != nil {
			return nil, err
		}
		resp.sent = &excerpt{}
		req.Body = &teed{reader, resp.sent}
		req.ContentLength = body.size
		if body.size == 0 {
			req.Body = http.NoBody
		}
	} else {
		req.Header.Del("Content-Length")
	}
	site := r.site(method, u)
	site.setHeaders(req.Header, method, u)
	if _, set := req.Header["Cookie"]; !set && !r.noCookies {
		if text := c.Jar.header(u, site); text != "" {
			req.Header.Set("Cookie", text)
		}
	}
	resp.Request = req

	got, err := r.transport.RoundTrip(req)
	if err != nil {
		resp.Err = err
		return resp, err
	}
	resp.Status, resp.Proto, resp.Header, resp.Trailer = got.StatusCode, got.Proto, got.Header, got.Trailer
	if !r.noCookies {
		resp.RefusedCookies = c.Jar.receive(u, got.Header["Set-Cookie"])
	}
	if err := resp.take(got, r.stream); err != nil {
		return resp, fmt.Errorf("the answer broke off: %w", err)
	}
	return resp, nil
}

// HTTPClient returns an [http.Client] that reaches the application in the same way as c, with its
// cookies. Use it for code that speaks its own protocol over HTTP, such as a WebSocket library. The
// options of c that set headers or bodies do not apply.
func (c *Client) HTTPClient() *http.Client {
	c.t.Helper()
	r, err := c.prepare(nil)
	if err != nil {
		c.t.Fatalf("webtest: %v", err)
	}
	client := &http.Client{Transport: onWay{r.transport, r.way}}
	if !r.noCookies {
		client.Jar = c.Jar
	}
	return client
}

// onWay is a transport that sends requests in the same way as a client.
type onWay struct {
	http.RoundTripper
	way way
}

func (o onWay) RoundTrip(req *http.Request) (*http.Response, error) {
	return o.RoundTripper.RoundTrip(req.WithContext(context.WithValue(req.Context(), wayKey{}, o.way)))
}

// SetCookie gives the client a cookie, as if the page at the base URL had set
// it over a connection that is allowed to. A cookie that no browser would take
// fails the test.
func (c *Client) SetCookie(cookie *http.Cookie) {
	c.t.Helper()
	u := c.baseURL()
	if cookie.Secure {
		u.Scheme = "https"
	}
	for _, err := range c.Jar.receive(u, []string{cookie.String()}) {
		c.t.Fatalf("webtest: set cookie: %v", err)
	}
}

// Cookie returns the cookie of this name that the client would send to the base
// URL, with its attributes, or nil.
func (c *Client) Cookie(name string) *http.Cookie {
	return c.Jar.get(c.baseURL(), name)
}

func (c *Client) baseURL() *url.URL {
	c.t.Helper()
	r, err := c.prepare(nil)
	if err != nil {
		c.t.Fatalf("webtest: %v", err)
	}
	u, err := resolve(r.base, "/")
	if err != nil {
		c.t.Fatalf("webtest: %v", err)
	}
	return u
}

// panics is the TB for a program.
type panics struct{}

func (panics) Helper()                           {}
func (panics) Logf(string, ...any)               {}
func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panics) Failed() bool                      { return false }
func (panics) Cleanup(func())                    {}
func (panics) Context() context.Context          { return context.Background() }
