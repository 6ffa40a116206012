package wrappers

import (
	"strconv"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// SetLastModified says when the body was changed last, cut to the second: what
// [Response.MakeConditional] compares. The zero time removes the field.
func (resp *Response) SetLastModified(t time.Time) { resp.setDate("Last-Modified", t) }

// LastModified returns when the body was changed last; the zero time is unknown.
func (resp *Response) LastModified() time.Time { return resp.date("Last-Modified") }

// SetExpires says until when the response may be used without asking again,
// for caches that do not know Cache-Control's max-age, which goes before it.
func (resp *Response) SetExpires(t time.Time) { resp.setDate("Expires", t) }

// Expires returns until when the response may be used without asking again.
func (resp *Response) Expires() time.Time { return resp.date("Expires") }

// SetDate says when the response was made. A server says so by itself.
func (resp *Response) SetDate(t time.Time) { resp.setDate("Date", t) }

// Date returns when the response was made.
func (resp *Response) Date() time.Time { return resp.date("Date") }

// SetAge says for how long the response lay in a cache, in whole seconds; less
// than none is none.
func (resp *Response) SetAge(d time.Duration) {
	resp.Header()["Age"] = []string{datastructures.FormatAge(max(d, 0))}
}

// Age returns for how long the response lay in a cache; false where the field is
// missing or no number.
func (resp *Response) Age() (time.Duration, bool) {
	return datastructures.ParseAge(first(resp.header, "Age"))
}

// SetRetryAfter says how long to wait before asking again (429, 503, or a
// redirect): whole seconds, rounded up.
func (resp *Response) SetRetryAfter(d time.Duration) {
	seconds := (max(d, 0) + time.Second - 1) / time.Second
	resp.Header()["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
}

// SetRetryAfterDate says when to ask again.
func (resp *Response) SetRetryAfterDate(t time.Time) { resp.setDate("Retry-After", t) }

// RetryAfter returns when to ask again, for an answer that came at the time now;
// the zero time where the field is missing or neither a number nor a date.
func (resp *Response) RetryAfter(now time.Time) time.Time {
	if wait, ok := datastructures.ParseAge(first(resp.header, "Retry-After")); ok {
		return now.Add(wait)
	}
	return resp.date("Retry-After")
}

func (resp *Response) date(name string) time.Time {
	t, _ := datastructures.ParseDate(first(resp.header, name))
	return t
}

func (resp *Response) setDate(name string, t time.Time) {
	if t.IsZero() {
		delete(resp.Header(), name)
		return
	}
	resp.Header()[name] = []string{datastructures.FormatDate(t)}
}
