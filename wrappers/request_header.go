package wrappers

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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

// Accept returns the media types the client takes: offer it yours by its Best method. It is zero,
// which accepts anything, if the header is missing.
func (req *Request) Accept() datastructures.MIMEAccept {
	return datastructures.ParseMIMEAccept(req.field("Accept"))
}

// AcceptLanguage returns the languages the reader wants.
func (req *Request) AcceptLanguage() datastructures.LanguageAccept {
	return datastructures.ParseLanguageAccept(req.field("Accept-Language"))
}

// AcceptEncoding returns the content codings the client takes.
func (req *Request) AcceptEncoding() datastructures.EncodingAccept {
	return datastructures.ParseEncodingAccept(req.field("Accept-Encoding"))
}

// Preconditions returns If-Match, If-None-Match, If-Modified-Since and
// If-Unmodified-Since.
func (req *Request) Preconditions() datastructures.Preconditions {
	return datastructures.ParsePreconditions(req.Header)
}

// Range returns the parts of the content that the client requests; false if it requests all of it,
// or in a way that must be ignored.
func (req *Request) Range() (datastructures.Range, bool) {
	return datastructures.ParseRange(req.Header.Get("Range"))
}

// IfRange returns the state of the content for which [Request.Range] is meant.
func (req *Request) IfRange() (datastructures.IfRange, bool) {
	return datastructures.ParseIfRange(req.Header.Get("If-Range"))
}

// CacheControl returns what the client asks of caches.
func (req *Request) CacheControl() datastructures.RequestCacheControl {
	return datastructures.ParseRequestCacheControl(req.field("Cache-Control"))
}

// Authorization returns the client's credentials, of any scheme; false if there are none, or Basic
// ones that cannot be decoded.
func (req *Request) Authorization() (datastructures.Authorization, bool) {
	return datastructures.ParseAuthorization(req.Header.Get("Authorization"))
}

// Cookies returns the cookies the client sent, in their order and with any
// bytes. Of a name that comes twice, the first is of the more specific path. Of
// more cookies than [Limits].Fields it has the first ones, as [Request.Query] has.
//
// It takes the place of [http.Request.Cookies], which drops what it would not
// write.
func (req *Request) Cookies() *datastructures.Values {
	head, _ := req.firstFields(req.cookieHeader(), ';')
	return datastructures.ParseCookies(head)
}

// cookieHeader returns all lines of Cookie as one: HTTP/2 may split them.
func (req *Request) cookieHeader() string {
	lines := req.Header["Cookie"]
	if len(lines) == 1 {
		return lines[0]
	}
	return strings.Join(lines, "; ")
}

// Date returns when the request was made, if the client says so.
func (req *Request) Date() (time.Time, bool) {
	return datastructures.ParseDate(req.Header.Get("Date"))
}

// MaxForwards returns how often a TRACE or OPTIONS may be forwarded; false if the client does not
// say, or not in digits.
func (req *Request) MaxForwards() (int, bool) {
	n, err := strconv.ParseUint(req.Header.Get("Max-Forwards"), 10, 31)
	return int(n), err == nil
}

// AccessControlRequestHeaders returns the header fields a CORS preflight asks
// for. The method it asks for and the Origin are plain texts in the Header.
func (req *Request) AccessControlRequestHeaders() datastructures.HeaderSet {
	return datastructures.ParseHeaderSet(req.field("Access-Control-Request-Headers"))
}

// ForwardedFor returns the addresses that X-Forwarded-For lists, or else the
// client's own (Werkzeug's access_route). Anybody can send that field: take
// [Request.Client] for anything that matters, behind a proxy fix.
func (req *Request) ForwardedFor() []string {
	if forwarded, sent := req.Header["X-Forwarded-For"]; sent {
		return datastructures.ParseList(strings.Join(forwarded, ","))
	}
	if client := req.Client(); client.IsValid() {
		return []string{client.Addr().String()}
	}
	return nil
}

// FetchMetadata says what a browser was about when it made the request (Fetch Metadata Request
// Headers, W3C). Its fields are "" if the client sent no such header, or a value that is not
// known: a browser newer than this list. Scripts cannot set these headers; other clients can.
type FetchMetadata struct {
	// Site is how the page that asks is related to this one: "same-origin",
	// "same-site", "cross-site", or "none" for a user's own doing.
	Site string
	// Mode is "navigate", "cors", "no-cors", "same-origin" or "websocket".
	Mode string
	// Dest is what the response is for: "document", "image", "script", …, or "empty" for a
	// script's fetch.
	Dest string
	// User reports that a user caused the navigation.
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
// another origin and its method is not a safe one: the defence of [http.CrossOriginProtection]
// against forged requests.
func (req *Request) CheckCrossOrigin() error {
	if err := sameOrigin.Check(req.Request); err != nil {
		return &httperror.Error{Code: httperror.Forbidden, Description: "The request comes from another site.", Err: err}
	}
	return nil
}
