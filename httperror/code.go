// Package httperror holds errors that answer the request that caused them.
//
// A [Code] is an HTTP status that is both an error and an [net/http.Handler],
// as a syscall.Errno is an error: return it, wrap it with %w, ask for it with
// errors.Is, or serve it. An [Error] adds details: a description for the
// client, a cause for the log, never the other way round. [Respond] is the one
// place where an error becomes an answer.
package httperror

import (
	"net/http"
	"strconv"
)

// Code is an HTTP status code of 400 or above, used as an error.
type Code int

// The codes that Werkzeug names, and a few more of the registry.
const (
	BadRequest                    Code = 400
	Unauthorized                  Code = 401
	PaymentRequired               Code = 402
	Forbidden                     Code = 403
	NotFound                      Code = 404
	MethodNotAllowed              Code = 405
	NotAcceptable                 Code = 406
	ProxyAuthRequired             Code = 407
	RequestTimeout                Code = 408
	Conflict                      Code = 409
	Gone                          Code = 410
	LengthRequired                Code = 411
	PreconditionFailed            Code = 412
	ContentTooLarge               Code = 413
	URITooLong                    Code = 414
	UnsupportedMediaType          Code = 415
	RangeNotSatisfiable           Code = 416
	ExpectationFailed             Code = 417
	ImATeapot                     Code = 418
	MisdirectedRequest            Code = 421
	UnprocessableContent          Code = 422
	Locked                        Code = 423
	FailedDependency              Code = 424
	TooEarly                      Code = 425
	UpgradeRequired               Code = 426
	PreconditionRequired          Code = 428
	TooManyRequests               Code = 429
	RequestHeaderFieldsTooLarge   Code = 431
	UnavailableForLegalReasons    Code = 451
	InternalServerError           Code = 500
	NotImplemented                Code = 501
	BadGateway                    Code = 502
	ServiceUnavailable            Code = 503
	GatewayTimeout                Code = 504
	HTTPVersionNotSupported       Code = 505
	InsufficientStorage           Code = 507
	NetworkAuthenticationRequired Code = 511
)

// Error returns the code and its name: "404 Not Found".
func (c Code) Error() string {
	return strconv.Itoa(int(c)) + " " + http.StatusText(int(c))
}

// ServeHTTP answers with the code's page.
func (c Code) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(&Error{Code: c}).ServeHTTP(w, r)
}
