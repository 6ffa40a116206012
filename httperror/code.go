package httperror

import (
	"net/http"
	"strconv"
)

// Code is an HTTP status code of 400 or above, used as an error.
type Code int

// The codes of the registry from 400 on (RFC 9110, section 15, and those it points to). Their names
// are those of RFC 9110; clients see [Code.Name].
const (
	BadRequest                  Code = 400
	Unauthorized                Code = 401
	Forbidden                   Code = 403
	NotFound                    Code = 404
	MethodNotAllowed            Code = 405
	NotAcceptable               Code = 406
	RequestTimeout              Code = 408
	Conflict                    Code = 409
	Gone                        Code = 410
	LengthRequired              Code = 411
	PreconditionFailed          Code = 412
	ContentTooLarge             Code = 413
	URITooLong                  Code = 414
	UnsupportedMediaType        Code = 415
	RangeNotSatisfiable         Code = 416
	ExpectationFailed           Code = 417
	ImATeapot                   Code = 418
	MisdirectedRequest          Code = 421
	UnprocessableContent        Code = 422
	Locked                      Code = 423
	FailedDependency            Code = 424
	PreconditionRequired        Code = 428
	TooManyRequests             Code = 429
	RequestHeaderFieldsTooLarge Code = 431
	UnavailableForLegalReasons  Code = 451
	InternalServerError         Code = 500
	NotImplemented              Code = 501
	BadGateway                  Code = 502
	ServiceUnavailable          Code = 503
	GatewayTimeout              Code = 504
	HTTPVersionNotSupported     Code = 505
)

// Error returns the code and its name: "404 Not Found".
func (c Code) Error() string { return strconv.Itoa(int(c)) + " " + c.Name() }

// Name is the reason phrase of the code in the registry, such as "Not Found": "Unknown Error" for a
// code that is not registered. For 413, 414, 416 and 422 [http.StatusText] has the names before RFC
// 9110.
func (c Code) Name() string {
	switch c {
	case ContentTooLarge:
		return "Content Too Large"
	case URITooLong:
		return "URI Too Long"
	case RangeNotSatisfiable:
		return "Range Not Satisfiable"
	case UnprocessableContent:
		return "Unprocessable Content"
	}
	if name := http.StatusText(int(c)); name != "" && c.valid() {
		return name
	}
	return "Unknown Error"
}

// Description is the sentence for clients if an error has no description of its own, "" for a code
// that is not registered.
func (c Code) Description() string { return descriptions[c] }

// valid reports whether an error may be answered with the code.
func (c Code) valid() bool { return 400 <= c && c <= 599 }

// StatusCode returns the code as an int, as net/http uses it.
func (c Code) StatusCode() int { return int(c) }

// ServeHTTP answers with the code's page, through [Respond].
func (c Code) ServeHTTP(w http.ResponseWriter, r *http.Request) { Respond(w, r, c) }

var descriptions = map[Code]string{
	BadRequest:                  "The server could not make sense of the request.",
	Unauthorized:                "This page is for those who have signed in. Either the credentials were wrong, or none were sent.",
	402:                         "This page has to be paid for first.",
	Forbidden:                   "You may not see this page or do this.",
	NotFound:                    "There is no page at this address. Perhaps there is a typing error in it.",
	MethodNotAllowed:            "This address does not take requests of this method.",
	NotAcceptable:               "This page does not exist in a form that your browser accepts.",
	407:                         "The proxy wants to know who you are first.",
	RequestTimeout:              "The request took too long to arrive.",
	Conflict:                    "Something else has changed what the request is about. Load it again before you try once more.",
	Gone:                        "This page was here once and will not come back.",
	LengthRequired:              "A request of this kind has to say how long it is, in Content-Length.",
	PreconditionFailed:          "A condition that the request was made under does not hold.",
	ContentTooLarge:             "The request is larger than this address takes.",
	URITooLong:                  "The address is longer than the server reads.",
	UnsupportedMediaType:        "The content of the request is of a kind that is not understood here.",
	RangeNotSatisfiable:         "The content does not have the part that was asked for.",
	ExpectationFailed:           "The server cannot do what the request expects of it.",
	ImATeapot:                   "This is a teapot, and it brews no coffee.",
	MisdirectedRequest:          "The request has come to a server that does not answer for this host.",
	UnprocessableContent:        "The request is well formed, but what it says cannot be followed.",
	Locked:                      "What the request would change is locked.",
	FailedDependency:            "The request depends on another one, which has failed.",
	425:                         "The request may be a replay, which the server does not want to risk.",
	426:                         "The server answers this request in another protocol only.",
	PreconditionRequired:        "The request has to name the version it is meant for, as with If-Match.",
	TooManyRequests:             "You have sent too many requests. Wait a while before the next.",
	RequestHeaderFieldsTooLarge: "The header of the request is larger than the server reads.",
	UnavailableForLegalReasons:  "This page may not be shown, for legal reasons.",
	InternalServerError:         "Something went wrong on the server, and the request could not be answered. It is not your fault.",
	NotImplemented:              "The server cannot do what the request asks for.",
	BadGateway:                  "Another server, on which this one depends, gave an answer that makes no sense.",
	ServiceUnavailable:          "The server cannot answer just now, being busy or under repair. Try again later.",
	GatewayTimeout:              "Another server, on which this one depends, did not answer in time.",
	HTTPVersionNotSupported:     "The server does not speak the version of HTTP that the request is written in.",
	506:                         "The server is configured in a circle: the chosen version of the page chooses again.",
	507:                         "The server has no room for what the request would store.",
	508:                         "The request led the server in a circle.",
	510:                         "The request lacks an extension that the server needs.",
	511:                         "The network wants you to sign in before it lets you through.",
}
