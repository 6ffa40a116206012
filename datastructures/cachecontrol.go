package datastructures

import (
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// RequestCacheControl is the Cache-Control header of a request (RFC 9111, section 5.2.1). A nil
// duration means that the directive is absent. Durations count in whole seconds.
type RequestCacheControl struct {
	// NoCache asks a cache to check with the origin before it answers.
	NoCache bool
	// NoStore forbids a cache from keeping the request or its response.
	NoStore bool
	// NoTransform asks for the content unchanged.
	NoTransform bool
	// OnlyIfCached asks for a response from a cache, or none.
	OnlyIfCached bool
	// MaxAge is how old a response may be.
	MaxAge *time.Duration
	// MinFresh is how much longer a response must stay fresh.
	MinFresh *time.Duration
	// MaxStale is how long ago a response may have become stale. A negative duration means no
	// limit.
	MaxStale *time.Duration
	// StaleIfError is how stale a response may be if the origin fails (RFC 5861).
	StaleIfError *time.Duration
	// Extensions are the directives that have no field here.
	Extensions Params
}

// ResponseCacheControl is the Cache-Control header of a response (RFC 9111, section 5.2.2, and RFC
// 5861 and 8246). A nil duration means that the directive is absent. Durations count in whole
// seconds.
//
//	datastructures.ResponseCacheControl{Public: true, MaxAge: new(time.Hour)}
type ResponseCacheControl struct {
	// Public lets any cache keep the response. Private takes precedence over Public.
	Public bool
	// Private keeps the response out of shared caches. With PrivateFields it keeps only these
	// header fields out of them.
	Private       bool
	PrivateFields HeaderSet
	// NoCache makes a cache check with the origin before it answers. With NoCacheFields it does so
	// only before it sends these header fields.
	NoCache       bool
	NoCacheFields HeaderSet
	// NoStore forbids caches from keeping the response.
	NoStore bool
	// NoTransform asks that the content stays unchanged.
	NoTransform bool
	// MustRevalidate forbids caches from sending a stale response.
	MustRevalidate bool
	// ProxyRevalidate is like MustRevalidate, but for shared caches only.
	ProxyRevalidate bool
	// MustUnderstand lets only caches that know the status code keep the response.
	MustUnderstand bool
	// Immutable says that the response does not change while it is fresh.
	Immutable bool
	// MaxAge is how long the response is fresh.
	MaxAge *time.Duration
	// SMaxAge is how long the response is fresh in shared caches.
	SMaxAge *time.Duration
	// StaleWhileRevalidate is how long caches may send the stale response while they fetch a new one.
	StaleWhileRevalidate *time.Duration
	// StaleIfError is how long caches may send the stale response while the origin fails.
	StaleIfError *time.Duration
	// Extensions are the directives that have no field here.
	Extensions Params
}

// ParseRequestCacheControl reads the header. If a directive comes twice, the first counts (RFC
// 9111, section 4.2.1).
func ParseRequestCacheControl(header string) RequestCacheControl {
	d := directives{httplex.ParseFirst(header)}
	c := RequestCacheControl{
		NoCache:      d.flag("no-cache"),
		NoStore:      d.flag("no-store"),
		NoTransform:  d.flag("no-transform"),
		OnlyIfCached: d.flag("only-if-cached"),
		MaxAge:       d.seconds("max-age"),
		MinFresh:     d.seconds("min-fresh"),
		StaleIfError: d.seconds("stale-if-error"),
	}
	if d.isBare("max-stale") {
		d.flag("max-stale")
		c.MaxStale = new(time.Duration(-1))
	} else {
		c.MaxStale = d.seconds("max-stale")
	}
	c.Extensions = d.rest()
	return c
}

// String returns the header.
func (c RequestCacheControl) String() string {
	var d directives
	d.setFlag("no-cache", c.NoCache)
	d.setFlag("no-store", c.NoStore)
	d.setFlag("no-transform", c.NoTransform)
	d.setFlag("only-if-cached", c.OnlyIfCached)
	d.setSeconds("max-age", c.MaxAge)
	d.setSeconds("min-fresh", c.MinFresh)
	if c.MaxStale != nil && *c.MaxStale < 0 {
		d.setFlag("max-stale", true)
	} else {
		d.setSeconds("max-stale", c.MaxStale)
	}
	d.setSeconds("stale-if-error", c.StaleIfError)
	return httplex.FormatDict(append(d.list, c.Extensions.list...))
}

// ParseResponseCacheControl reads the header. If a directive comes twice, the first counts (RFC
// 9111, section 4.2.1).
func ParseResponseCacheControl(header string) ResponseCacheControl {
	d := directives{httplex.ParseFirst(header)}
	c := ResponseCacheControl{
		Public:               d.flag("public"),
		NoStore:              d.flag("no-store"),
		NoTransform:          d.flag("no-transform"),
		MustRevalidate:       d.flag("must-revalidate"),
		ProxyRevalidate:      d.flag("proxy-revalidate"),
		MustUnderstand:       d.flag("must-understand"),
		Immutable:            d.flag("immutable"),
		MaxAge:               d.seconds("max-age"),
		SMaxAge:              d.seconds("s-maxage"),
		StaleWhileRevalidate: d.seconds("stale-while-revalidate"),
		StaleIfError:         d.seconds("stale-if-error"),
	}
	c.PrivateFields, c.Private = d.fields("private")
	c.NoCacheFields, c.NoCache = d.fields("no-cache")
	c.Extensions = d.rest()
	return c
}

// String returns the header.
func (c ResponseCacheControl) String() string {
	var d directives
	d.setFlag("public", c.Public && !c.Private)
	d.setFields("private", c.Private, c.PrivateFields)
	d.setFields("no-cache", c.NoCache, c.NoCacheFields)
	d.setFlag("no-store", c.NoStore)
	d.setFlag("no-transform", c.NoTransform)
	d.setFlag("must-revalidate", c.MustRevalidate)
	d.setFlag("proxy-revalidate", c.ProxyRevalidate)
	d.setFlag("must-understand", c.MustUnderstand)
	d.setFlag("immutable", c.Immutable)
	d.setSeconds("max-age", c.MaxAge)
	d.setSeconds("s-maxage", c.SMaxAge)
	d.setSeconds("stale-while-revalidate", c.StaleWhileRevalidate)
	d.setSeconds("stale-if-error", c.StaleIfError)
	return httplex.FormatDict(append(d.list, c.Extensions.list...))
}

// directives are the directives of a header. Reading a directive removes it, so that the extensions
// are left.
type directives struct{ list httplex.Params }

// rest holds the directives that were not read.
func (d *directives) rest() Params {
	if len(d.list) == 0 {
		return Params{}
	}
	return Params(*d)
}

func (d *directives) take(name string) (httplex.Param, bool) {
	i := d.list.Index(name)
	if i < 0 {
		return httplex.Param{}, false
	}
	param := d.list[i]
	d.list = append(d.list[:i:i], d.list[i+1:]...)
	return param, true
}

func (d *directives) isBare(name string) bool {
	i := d.list.Index(name)
	return i >= 0 && d.list[i].Bare
}

func (d *directives) flag(name string) bool {
	_, ok := d.take(name)
	return ok
}

// seconds reads a duration. A negative number, which is malformed, counts as 0: that says more
// clearly than a missing directive that the response is stale.
func (d *directives) seconds(name string) *time.Duration {
	param, ok := d.take(name)
	if !ok || param.Bare {
		return nil
	}
	if age, ok := ParseAge(param.Value); ok {
		return &age
	}
	digits, negative := strings.CutPrefix(httplex.Trim(param.Value), "-")
	if _, ok := ParseAge(digits); negative && ok {
		return new(time.Duration)
	}
	return nil
}

// fields reads a directive that may name header fields.
func (d *directives) fields(name string) (fields HeaderSet, ok bool) {
	param, ok := d.take(name)
	if ok && !param.Bare {
		fields = ParseHeaderSet(param.Value)
	}
	return fields, ok
}

func (d *directives) setFlag(name string, on bool) {
	if on {
		d.list = append(d.list, httplex.Param{Name: name, Bare: true})
	}
}

func (d *directives) setSeconds(name string, age *time.Duration) {
	if age != nil {
		d.list = append(d.list, httplex.Param{Name: name, Value: FormatAge(*age)})
	}
}

func (d *directives) setFields(name string, on bool, fields HeaderSet) {
	if on && len(fields) > 0 {
		d.list = append(d.list, httplex.Param{Name: name, Value: fields.String()})
		return
	}
	d.setFlag(name, on)
}
