package wrappers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
)

// field returns a header field as one string; several lines are joined by commas (RFC 9110,
// section 5.3).
func (req *Request) field(name string) string {
	values := req.Header[name]
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, ", ")
}

// Accept returns the media types that the client accepts: call its Best method with the types that
// you offer. It is zero, which accepts anything, if the header is missing.
func (req *Request) Accept() datastructures.MIMEAccept {
	return datastructures.ParseMIMEAccept(req.field("Accept"))
}

// AcceptLanguage returns the languages the reader wants.
func (req *Request) AcceptLanguage() datastructures.LanguageAccept {
	return datastructures.ParseLanguageAccept(req.field("Accept-Language"))
}

// AcceptEncoding returns the content codings that the client accepts.
func (req *Request) AcceptEncoding() datastructures.EncodingAccept {
	return datastructures.ParseEncodingAccept(req.field("Accept-Encoding"))
}

// Preconditions returns If-Match, If-None-Match, If-Modified-Since and
// If-Unmodified-Since.
func (req *Request) Preconditions() datastructures.Preconditions {
	return datastructures.ParsePreconditions(req.Header)
}

// Range returns the parts of the content that the client requests; it returns false if the client
// requests all of it, or in a form that must be ignored.
func (req *Request) Range() (datastructures.Range, bool) {
	return datastructures.ParseRange(req.Header.Get("Range"))
}

// CacheControl returns the client's instructions to caches.
func (req *Request) CacheControl() datastructures.RequestCacheControl {
	return datastructures.ParseRequestCacheControl(req.field("Cache-Control"))
}

// Authorization returns the client's credentials, with any scheme. It returns false if there are
// none, or if Basic credentials cannot be decoded.
func (req *Request) Authorization() (datastructures.Authorization, bool) {
	return datastructures.ParseAuthorization(req.Header.Get("Authorization"))
}

// Cookies returns the cookies that the client sent, in their order and with any
// bytes. If a name comes twice, the first cookie is the one with the more
// specific path. If there are more cookies than [Limits].Fields, it has the
// first ones, like [Request.Query].
//
// Use it instead of [http.Request.Cookies], which drops cookies that net/http
// would not write.
func (req *Request) Cookies() *datastructures.Values {
	head, _ := req.firstFields(req.cookieHeader(), ';')
	return datastructures.ParseCookies(head)
}

// cookieHeader returns all Cookie lines as one: HTTP/2 may split them.
func (req *Request) cookieHeader() string {
	lines := req.Header["Cookie"]
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, "; ")
}

// ForwardedFor returns the addresses that X-Forwarded-For lists, or otherwise
// the client's own address (Werkzeug's access_route). Anyone can send that
// field: for anything important, use [Request.Client] inside a proxy fix.
func (req *Request) ForwardedFor() []string {
	if forwarded, sent := req.Header["X-Forwarded-For"]; sent {
		return datastructures.ParseList(strings.Join(forwarded, ","))
	}
	if client := req.Client(); client.IsValid() {
		return []string{client.Addr().String()}
	}
	return nil
}

// FetchMetadata says why a browser made the request (Fetch Metadata Request Headers, W3C). Its
// fields are "" if the client sent no such header, or an unknown value, for example because the
// browser is newer than this list. Scripts cannot set these headers; other clients can.
type FetchMetadata struct {
	// Site is how the requesting page is related to this one: "same-origin",
	// "same-site", "cross-site", or "none" if the user made the request.
	Site string
	// Mode is "navigate", "cors", "no-cors", "same-origin" or "websocket".
	Mode string
	// Dest is what the response is for: "document", "image", "script", …, or "empty" for a
	// script's fetch.
	Dest string
	// User reports that the user triggered the navigation.
	User bool
}

var (
	fetchSites = []string{"cross-site", "same-origin", "same-site", "none"}
	fetchModes = []string{"cors", "navigate", "no-cors", "same-origin", "websocket"}
	fetchDests = []string{
		"audio", "audioworklet", "document", "embed", "empty", "fencedframe", "font", "frame", "iframe", "image",
		"json", "manifest", "object", "paintworklet", "report", "script", "serviceworker", "sharedworker", "style",
		"text", "track", "video", "webidentity", "worker", "xslt",
	}
)

// FetchMetadata returns the Sec-Fetch headers.
func (req *Request) FetchMetadata() FetchMetadata {
	known := func(name string, values []string) string {
		if value := req.Header.Get(name); slices.Contains(values, value) {
			return value
		}
		return ""
	}
	return FetchMetadata{
		Site: known("Sec-Fetch-Site", fetchSites),
		Mode: known("Sec-Fetch-Mode", fetchModes),
		Dest: known("Sec-Fetch-Dest", fetchDests),
		User: req.Header.Get("Sec-Fetch-User") == "?1",
	}
}

var sameOrigin = http.NewCrossOriginProtection()

// CheckCrossOrigin returns an error that answers 403 if a browser makes the request for a page of
// another origin and its method is not safe. This is the defence of [http.CrossOriginProtection]
// against forged requests.
func (req *Request) CheckCrossOrigin() error {
	if err := sameOrigin.Check(req.Request); err != nil {
		return &httperror.Error{Code: httperror.Forbidden, Description: "The request comes from another site.", Err: err}
	}
	return nil
}
