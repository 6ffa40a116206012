package datastructures_test

import (
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// What prints the results of parsers that are no types of their own.

type listOf []string

func (l listOf) String() string { return datastructures.FormatList(l...) }

type challengesOf []datastructures.WWWAuthenticate

func (l challengesOf) String() string {
	texts := make([]string, len(l))
	for i, c := range l {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// cookiesOf prints cookies as a browser would send back what was set.
type cookiesOf struct{ *datastructures.Values }

func (c cookiesOf) String() string {
	var b strings.Builder
	for name, value := range c.All() {
		set := datastructures.Cookie{Name: "x", Value: value}
		pair, err := set.Format()
		if err != nil {
			return "" // too long
		}
		b.WriteString(name + pair[1:] + "; ")
	}
	return b.String()
}

type dateOf struct{ time.Time }

func (d dateOf) String() string { return datastructures.FormatDate(d.Time) }

type ageOf time.Duration

func (d ageOf) String() string { return datastructures.FormatAge(time.Duration(d)) }

// sendable leaves out the cookies that can be read but must not be set.
func sendable(c *datastructures.Cookie, ok bool) (*datastructures.Cookie, bool) {
	return c, ok && c.Check() == nil
}
