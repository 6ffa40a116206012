package wrappers

import (
	"fmt"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

// AddVary names request fields by which the response differs. They join those
// that Vary has; each is named once, in whatever case, and "*" takes the place
// of all.
func (resp *Response) AddVary(fields ...string) error {
	set := resp.Vary()
	set.Add(fields...)
	if set.Has("*") {
		set = datastructures.NewHeaderSet("*")
	}
	return resp.setList("Vary", set)
}

// Vary returns the request fields by which the response differs.
func (resp *Response) Vary() datastructures.HeaderSet { return resp.list("Vary") }

// SetAllow names the methods that the resource has, as a 405 must and the
// answer to OPTIONS may.
func (resp *Response) SetAllow(methods ...string) error {
	return resp.setList("Allow", datastructures.NewHeaderSet(methods...))
}

// Allow returns the methods that the resource has.
func (resp *Response) Allow() datastructures.HeaderSet { return resp.list("Allow") }

// SetContentLanguage names the languages of those whom the body is for: "de",
// "en-GB".
func (resp *Response) SetContentLanguage(tags ...string) error {
	return resp.setList("Content-Language", datastructures.NewHeaderSet(tags...))
}

// ContentLanguage returns the languages of those whom the body is for.
func (resp *Response) ContentLanguage() datastructures.HeaderSet {
	return resp.list("Content-Language")
}

// SetAcceptRanges says in which unit parts of the body may be asked for; "none"
// keeps [Response.MakeConditional] from serving any.
func (resp *Response) SetAcceptRanges(unit string) error {
	return resp.setList("Accept-Ranges", datastructures.NewHeaderSet(unit))
}

// list returns the names of a list field, of all its lines.
func (resp *Response) list(name string) datastructures.HeaderSet {
	return datastructures.ParseHeaderSet(strings.Join(resp.header[name], ", "))
}

// setList sets a list of tokens; an empty one removes the field.
func (resp *Response) setList(name string, set datastructures.HeaderSet) error {
	for item := range set.All() {
		if !httplex.IsToken(item) {
			return fmt.Errorf("%w: %q in %s is no token", ErrInvalidHeader, item, name)
		}
	}
	resp.setOrDelete(name, set.String())
	return nil
}
