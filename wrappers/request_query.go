package wrappers

import (
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
)

// Query returns the arguments of the URL's query, in their order (Werkzeug's
// args). A ";" does not separate pairs, and invalid escapes stay unchanged.
//
// If the query has more than [Limits].Fields arguments, Query has the first
// ones. A [View] is not called then: see [Request.CheckFields].
func (req *Request) Query() *datastructures.Values {
	if req.arguments == nil || req.queryOf != req.URL.RawQuery {
		req.queryOf = req.URL.RawQuery
		head, _ := req.firstFields(req.queryOf, '&')
		req.arguments = datastructures.ParseQuery(head)
	}
	return req.arguments
}

// Values returns a copy of the parameters of the query, which come first, and
// the fields of the form; for GET and HEAD it has only the query (Werkzeug's
// values). The error is that of [Request.CheckFields] or [Request.Form]; the
// parameters of the query are returned even then.
func (req *Request) Values() (*datastructures.Values, error) {
	err := req.CheckFields()
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return datastructures.Combine(req.Query()), err
	}
	form, failed := req.Form()
	if err == nil {
		err = failed
	}
	return datastructures.Combine(req.Query(), form), err
}

// CheckFields returns an error that answers 400 if the query or the cookies have
// more than [Limits].Fields fields. A [View] calls it before anything else; call
// it in other handlers that read [Request.Query] or [Request.Cookies], which have
// no more than the first fields.
func (req *Request) CheckFields() error {
	if _, all := req.firstFields(req.URL.RawQuery, '&'); !all {
		return malformed("The query has more than %d fields.", req.reading().Limits.fields())
	}
	if _, all := req.firstFields(req.cookieHeader(), ';'); !all {
		return malformed("The request has more than %d cookies.", req.reading().Limits.fields())
	}
	return nil
}

// firstFields returns the beginning of s with the first [Limits].Fields fields,
// and reports whether that is all of s.
func (req *Request) firstFields(s string, separator byte) (head string, all bool) {
	if len(s) < uncounted {
		return s, true
	}
	return cutFields(s, separator, req.reading().Limits.fields())
}

// uncounted is the length from which fields are counted. Shorter queries need
// no check of the settings: they have at most 16 fields.
const uncounted = 32

// cutFields returns the beginning of s with at most limit fields, and reports
// whether that is all of s. Empty and blank fields do not count.
func cutFields(s string, separator byte, limit int64) (head string, all bool) {
	if int64(len(s)/2) < limit {
		return s, true
	}
	for at := 0; ; limit-- {
		for at < len(s) && (s[at] == separator || s[at] == ' ') {
			at++
		}
		if at == len(s) {
			return s, true
		}
		if limit == 0 {
			return s[:at], false
		}
		n := strings.IndexByte(s[at:], separator)
		if n < 0 {
			return s, true
		}
		at += n
	}
}
