package datastructures

import (
	"strconv"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// directives are what both kinds of Cache-Control header hold (RFC 9111, section
// 5.2): names with or without a value, in their order. Directives that have no
// method are reached as [Params].
type directives struct {
	Params
}

// parseDirectives reads the header. Names are made lower case, and where one
// comes twice the first counts, as section 4.2.1 advises.
func parseDirectives(header string) directives {
	return directives{Params{httplex.ParseFirst(header)}}
}

// String returns the header.
func (d directives) String() string { return httplex.FormatDict(d.list) }

// seconds reads a directive as a time span. A negative one is malformed, but
// says more clearly than its absence that the response is stale.
func (d directives) seconds(name string) (time.Duration, bool) {
	text, ok := d.Lookup(name)
	if !ok {
		return 0, false
	}
	if age, ok := ParseAge(text); ok {
		return age, true
	}
	n, err := strconv.ParseInt(httplex.Trim(text), 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

func (d *directives) setSeconds(name string, span time.Duration) { d.Set(name, FormatAge(span)) }

func (d *directives) setFlag(name string, on bool) {
	if on {
		d.SetBare(name)
	} else {
		d.Del(name)
	}
}

// fields reads a directive that may name header fields.
func (d directives) fields(name string) (HeaderSet, bool) {
	if text, ok := d.Lookup(name); ok {
		return ParseHeaderSet(text), true
	}
	return HeaderSet{}, d.Has(name)
}

func (d *directives) setFields(name string, fields []string) {
	if len(fields) == 0 {
		d.SetBare(name)
		return
	}
	d.Set(name, FormatList(fields...))
}

// MaxAge is the time for which a response is fresh, or how old the one may be
// that a client wants; false where it is not given or no number.
func (d directives) MaxAge() (time.Duration, bool) { return d.seconds("max-age") }

// NoStore says that nothing may be kept.
func (d directives) NoStore() bool { return d.Has("no-store") }

// NoTransform says that the content must stay as it is.
func (d directives) NoTransform() bool { return d.Has("no-transform") }

// StaleIfError is how long a stale response may serve while the origin fails
// (RFC 5861).
func (d directives) StaleIfError() (time.Duration, bool) { return d.seconds("stale-if-error") }

// RequestCacheControl is the Cache-Control header of a request (RFC 9111,
// section 5.2.1).
type RequestCacheControl struct {
	directives
}

// ParseRequestCacheControl reads the header. Directives that are not known are
// kept.
func ParseRequestCacheControl(header string) RequestCacheControl {
	return RequestCacheControl{parseDirectives(header)}
}

// NoCache says that the client wants no answer from a cache that has not asked
// the origin.
func (c RequestCacheControl) NoCache() bool { return c.Has("no-cache") }

// OnlyIfCached says that the client wants an answer from a cache or none.
func (c RequestCacheControl) OnlyIfCached() bool { return c.Has("only-if-cached") }

// MaxStale is for how long a response may have been stale; unlimited says
// that the directive came without one.
func (c RequestCacheControl) MaxStale() (limit time.Duration, unlimited, ok bool) {
	if c.IsBare("max-stale") {
		return 0, true, true
	}
	limit, ok = c.seconds("max-stale")
	return limit, false, ok
}

// MinFresh is for how long a response must still be fresh.
func (c RequestCacheControl) MinFresh() (time.Duration, bool) { return c.seconds("min-fresh") }

// ResponseCacheControl is the Cache-Control header of a response (RFC 9111,
// section 5.2.2, and RFC 5861 and 8246). Its Set methods change it, time spans
// count in whole seconds; any other directive is set by its name.
type ResponseCacheControl struct {
	directives
}

// ParseResponseCacheControl reads the header. Directives that are not known are
// kept.
func ParseResponseCacheControl(header string) ResponseCacheControl {
	return ResponseCacheControl{parseDirectives(header)}
}

// SetMaxAge says for how long the response is fresh.
func (c *ResponseCacheControl) SetMaxAge(d time.Duration) { c.setSeconds("max-age", d) }

// SetNoStore says whether nothing may be kept.
func (c *ResponseCacheControl) SetNoStore(on bool) { c.setFlag("no-store", on) }

// SetNoTransform says whether the content must stay as it is.
func (c *ResponseCacheControl) SetNoTransform(on bool) { c.setFlag("no-transform", on) }

// SetStaleIfError says how long the stale response may serve while the origin
// fails.
func (c *ResponseCacheControl) SetStaleIfError(d time.Duration) { c.setSeconds("stale-if-error", d) }

// NoCache says that a cache must ask the origin before it answers, for the named
// fields only if there are any.
func (c ResponseCacheControl) NoCache() (fields HeaderSet, ok bool) { return c.fields("no-cache") }

// SetNoCache makes caches ask the origin before they answer, for the whole
// response or only before they show the named fields.
func (c *ResponseCacheControl) SetNoCache(fields ...string) { c.setFields("no-cache", fields) }

// Private says that shared caches must not keep the response, or only not the
// named fields.
func (c ResponseCacheControl) Private() (fields HeaderSet, ok bool) { return c.fields("private") }

// SetPrivate keeps the response, or only the named fields, out of shared caches.
// It takes "public" away.
func (c *ResponseCacheControl) SetPrivate(fields ...string) {
	c.setFields("private", fields)
	c.Del("public")
}

// Public says that any cache may keep the response.
func (c ResponseCacheControl) Public() bool { return c.Has("public") }

// SetPublic says whether any cache may keep the response. It takes "private"
// away.
func (c *ResponseCacheControl) SetPublic(on bool) {
	c.setFlag("public", on)
	if on {
		c.Del("private")
	}
}

// SMaxAge is the time for which the response is fresh in shared caches.
func (c ResponseCacheControl) SMaxAge() (time.Duration, bool) { return c.seconds("s-maxage") }

// SetSMaxAge says for how long the response is fresh in shared caches.
func (c *ResponseCacheControl) SetSMaxAge(d time.Duration) { c.setSeconds("s-maxage", d) }

// MustRevalidate says that a stale response must not serve.
func (c ResponseCacheControl) MustRevalidate() bool { return c.Has("must-revalidate") }

// SetMustRevalidate says whether a stale response must not serve.
func (c *ResponseCacheControl) SetMustRevalidate(on bool) { c.setFlag("must-revalidate", on) }

// ProxyRevalidate is MustRevalidate for shared caches.
func (c ResponseCacheControl) ProxyRevalidate() bool { return c.Has("proxy-revalidate") }

// SetProxyRevalidate is SetMustRevalidate for shared caches.
func (c *ResponseCacheControl) SetProxyRevalidate(on bool) { c.setFlag("proxy-revalidate", on) }

// MustUnderstand says that only a cache that knows the status code may keep the
// response.
func (c ResponseCacheControl) MustUnderstand() bool { return c.Has("must-understand") }

// SetMustUnderstand says whether only a cache that knows the status code may
// keep the response.
func (c *ResponseCacheControl) SetMustUnderstand(on bool) { c.setFlag("must-understand", on) }

// Immutable says that the response will not change while it is fresh.
func (c ResponseCacheControl) Immutable() bool { return c.Has("immutable") }

// SetImmutable says whether the response will not change while it is fresh.
func (c *ResponseCacheControl) SetImmutable(on bool) { c.setFlag("immutable", on) }

// StaleWhileRevalidate is how long a stale response may serve while a cache
// fetches a new one.
func (c ResponseCacheControl) StaleWhileRevalidate() (time.Duration, bool) {
	return c.seconds("stale-while-revalidate")
}

// SetStaleWhileRevalidate says how long the stale response may serve while a
// cache fetches a new one.
func (c *ResponseCacheControl) SetStaleWhileRevalidate(d time.Duration) {
	c.setSeconds("stale-while-revalidate", d)
}
