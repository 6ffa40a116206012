package datastructures_test

import (
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// This file prints results of parsers that are not types of this package.

type listOf []string

func (l listOf) String() string { return datastructures.HeaderSet(l).String() }

type challengesOf []datastructures.WWWAuthenticate

func (l challengesOf) String() string {
	texts := make([]string, len(l))
	for i, c := range l {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// cookiesOf prints the cookies that a browser would send back.
type cookiesOf struct{ *datastructures.Values }

func (c cookiesOf) String() string {
	var b strings.Builder
	for name, value := range c.All() {
		pair, _ := settingOf(value)
		b.WriteString(name + pair + "; ")
	}
	return b.String()
}

// settable leaves out the cookies that are too long to be set: in a quoted
// value, a byte may take four.
func settable(c *datastructures.Values) (cookiesOf, bool) {
	for _, value := range c.All() {
		if _, err := settingOf(value); err != nil {
			return cookiesOf{}, false
		}
	}
	return cookiesOf{c}, true
}

// settingOf returns a Set-Cookie field without the name of the cookie, which has this value.
func settingOf(value string) (string, error) {
	set := datastructures.Cookie{Name: "x", Value: value}
	pair, err := set.Format()
	return strings.TrimPrefix(pair, "x"), err
}

type dateOf struct{ time.Time }

func (d dateOf) String() string { return datastructures.FormatDate(d.Time) }

type ageOf time.Duration

func (d ageOf) String() string { return datastructures.FormatAge(time.Duration(d)) }

type setCookieOf struct{ datastructures.Cookie }

func (c setCookieOf) String() string {
	text, _ := c.Format()
	return text
}

type queryOf struct{ *datastructures.Values }

func (q queryOf) String() string { return q.Encode() }

// sendable leaves out the cookies that can be read but must not be set.
func sendable(c *datastructures.Cookie, ok bool) (setCookieOf, bool) {
	if !ok {
		return setCookieOf{}, false
	}
	_, err := c.Format()
	return setCookieOf{*c}, err == nil
}
