package routing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// The query of a built URL: the values that the rule does not have, in the order in which they were
// given. A list becomes one parameter for each element, and nil none.
//
//	rule     /search/<lang>
//	values   lang="de", q="a b", tag=["x", "y"], page=nil
//	URL      /search/de?q=a+b&tag=x&tag=y
//
// Werkzeug's order is the same. With Options.SortParameters the values are sorted, a list within
// itself too. Equal values then make equal URLs, whatever their order, and a cache has one entry for them:
//
//	values   tag=["y", "x"], page=10, page=9
//	URL      /search/de?page=9&page=10&tag=x&tag=y
//
// An error can only come from a value without text. The name of the parameter is then in the error,
// since the caller may have passed many.

// query appends the values that r does not have. It returns b unchanged if there are none. For
// lang="de", q="a b" and the rule above it appends "?q=a+b", since lang is in the path.
func (w building) query(b []byte, r *rule, values []Value) ([]byte, error) {
	if w.table.options.SortParameters && len(values) > 1 {
		values = slices.Clone(values) // they belong to the caller
		slices.SortStableFunc(values, w.table.order())
	}
	// The rule's path never has a query, so the first parameter always follows a question mark.
	mark := byte('?')
	for i := range values {
		v := &values[i]
		// A default is known too. page=1 for the rule with the default page=1 is not repeated in
		// the query.
		if v.kind == nilValue || r.knows(v.name) {
			continue
		}
		if v.kind != listValue {
			var err error
			if b, err = appendParameter(b, mark, v); err != nil {
				return b, err
			}
			mark = '&'
			continue
		}
		// list makes new elements, so sorting them does not change the caller's slice.
		list := v.list()
		if w.table.options.SortParameters {
			slices.SortStableFunc(list, w.table.order())
		}
		for i := range list {
			if list[i].kind == nilValue {
				continue
			}
			var err error
			if b, err = appendParameter(b, mark, &list[i]); err != nil {
				return b, err
			}
			mark = '&'
		}
	}
	return b, nil
}

// appendParameter appends one parameter after mark. The two common kinds need no text in between.
// For q="a b" and the mark '&' it appends "&q=a+b".
func appendParameter(b []byte, mark byte, v *Value) ([]byte, error) {
	b = append(b, mark)
	b = percent.AppendQuery(b, v.name)
	b = append(b, '=')
	switch v.kind {
	case textValue:
		return percent.AppendQuery(b, v.text), nil
	case intValue:
		return strconv.AppendInt(b, int64(v.bits), 10), nil
	}
	text, err := v.Text()
	if err != nil {
		return b, fmt.Errorf("the value of %q: %w", v.name, err)
	}
	return percent.AppendQuery(b, text), nil
}

// order is the order of parameters. Numbers of one name are compared as numbers, 9 before 10. All
// other values are compared as texts; a value without a text is refused later, when it is written.
//
//	page=9, page=10       9 before 10, as numbers
//	page="9", page="10"   "10" before "9", as strings
//	tag="x", page=9       page before tag, by name
func (t *table) order() func(a, b Value) int {
	if t.options.SortKey != nil {
		return t.options.SortKey
	}
	return func(a, b Value) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		x, number := a.number()
		if y, other := b.number(); number && other {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
		s, _ := a.Text()
		u, _ := b.Text()
		return strings.Compare(s, u)
	}
}
