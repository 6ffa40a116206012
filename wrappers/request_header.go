package wrappers

import (
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// field returns a header field as one text; what came in several lines is
// joined by commas (RFC 9110, section 5.3).
func (req *Request) field(name string) string {
	values := req.Header[name]
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, ", ")
}

// Accept returns the media types the client takes: offer it yours by its Best
// method. It is zero, which takes anything, where the header is missing.
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

// Range returns the parts of the content that the client asks for; false where
// it asks for all of it, or in a way that is to be ignored.
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

// Authorization returns the client's credentials, of any scheme; false where
// there are none, or Basic ones that cannot be decoded.
func (req *Request) Authorization() (datastructures.Authorization, bool) {
	return datastructures.ParseAuthorization(req.Header.Get("Authorization"))
}

// Cookies returns the cookies the client sent, in their order and with any
// bytes. Of a name that comes twice, the first is of the more specific path.
//
// It takes the place of [http.Request.Cookies], which drops what it would not
// write.
func (req *Request) Cookies() *datastructures.Values {
	lines := req.Header["Cookie"]
	if len(lines) == 1 {
		return datastructures.ParseCookies(lines[0])
	}
	return datastructures.ParseCookies(strings.Join(lines, "; ")) // HTTP/2 may split them
}

// Date returns when the request was made, where the client says so.
func (req *Request) Date() (time.Time, bool) {
	return datastructures.ParseDate(req.Header.Get("Date"))
}

// MaxForwards returns how often a TRACE or OPTIONS may be forwarded; false
// where the client does not say, or not in digits.
func (req *Request) MaxForwards() (int, bool) {
	n, err := strconv.ParseUint(req.Header.Get("Max-Forwards"), 10, 31)
	return int(n), err == nil
}

// AccessControlRequestHeaders returns the header fields a CORS preflight asks
// for. The method it asks for and the Origin are plain texts in the Header.
func (req *Request) AccessControlRequestHeaders() datastructures.HeaderSet {
	return datastructures.ParseHeaderSet(req.field("Access-Control-Request-Headers"))
}

// UntrustedRoute returns the addresses that X-Forwarded-For lists, or else the
// client's own (Werkzeug's access_route). Anybody can send that field: take
// [Request.Client] for anything that matters, behind a proxy fix.
func (req *Request) UntrustedRoute() []string {
	if forwarded, sent := req.Header["X-Forwarded-For"]; sent {
		return datastructures.ParseList(strings.Join(forwarded, ","))
	}
	if client := req.Client(); client.IsValid() {
		return []string{client.Addr().String()}
	}
	return nil
}
