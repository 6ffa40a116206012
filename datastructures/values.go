package datastructures

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// Values is a [MultiDict] of texts, such as the arguments of a query or the
// fields of a form, with typed reading.
type Values struct {
	MultiDict[string]
}

// ParseQuery reads an application/x-www-form-urlencoded text: pairs between
// "&", in their order, empty values kept. Nothing is lost: an escape that is
// not one stays as it was sent.
func ParseQuery(query string) *Values {
	v := new(Values)
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		v.Add(unescape(key), unescape(value))
	}
	return v
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}

// Int returns the first value of key as an integer, or fallback where it is
// missing or none.
func (v *Values) Int(key string, fallback int) int {
	if n, err := strconv.Atoi(v.Get(key)); err == nil {
		return n
	}
	return fallback
}

// Require returns the first value of key, or an error that answers 400 and
// names the key.
func (v *Values) Require(key string) (string, error) {
	if s, ok := v.Lookup(key); ok {
		return s, nil
	}
	return "", &httperror.Error{
		Code:        http.StatusBadRequest,
		Description: "The field " + strconv.Quote(key) + " is missing.",
	}
}
