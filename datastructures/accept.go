package datastructures

import (
	"iter"

	"github.com/zeugkit/zeug/internal/httplex"
)

// AcceptItem is a value that a client accepts and how much it likes it, from 0
// (not at all) to 1.
type AcceptItem struct {
	Value   string
	Quality float64
}

// Accept is what the Accept headers have in common: values with qualities, the
// most specific first and among those the most liked, in the client's order
// where both agree.
//
// The zero Accept stands for a header that was not sent: every offer is welcome
// (RFC 9110, section 12.5.1), and the first is the best.
type Accept struct {
	items []httplex.Weighted
}

// IsZero reports whether the header was missing or empty.
func (a Accept) IsZero() bool { return a.items == nil }

// Len is the number of items.
func (a Accept) Len() int { return len(a.items) }

// At returns the item at place i, from 0.
func (a Accept) At(i int) AcceptItem { return AcceptItem{a.items[i].Value, a.items[i].Weight} }

// All ranges over the values and their qualities in order of preference.
func (a Accept) All() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for i := range a.items {
			if !yield(a.items[i].Value, a.items[i].Weight) {
				return
			}
		}
	}
}

// First is the value that the client likes best, "" if there is none. It may be
// a star.
func (a Accept) First() string {
	if len(a.items) == 0 {
		return ""
	}
	return a.items[0].Value
}

// String returns the header: "text/html,*/*;q=0.8". A header that was sent but
// accepts nothing is a list of nothing, ",".
func (a Accept) String() string {
	if a.items != nil && len(a.items) == 0 {
		return ","
	}
	var b []byte
	for i := range a.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = httplex.AppendWeight(b, a.items[i].Value, a.items[i].Weight)
	}
	return string(b)
}

func (a Accept) quality(value string, kind httplex.Kind) float64 {
	if a.IsZero() {
		return 1
	}
	if i := httplex.Match(a.items, value, kind); i >= 0 {
		return a.items[i].Weight
	}
	return 0
}

func (a Accept) best(offers []string, kind httplex.Kind) (string, bool) {
	if i := httplex.Best(a.items, offers, kind); i >= 0 {
		return offers[i], true
	}
	return "", false
}

// MIMEAccept is the Accept header: the media types a client understands (RFC
// 9110, section 12.5.1).
type MIMEAccept struct{ Accept }

// ParseMIMEAccept reads an Accept header. Items with a bad quality are left out.
func ParseMIMEAccept(header string) MIMEAccept {
	return MIMEAccept{Accept{httplex.ParseWeights(header, httplex.MediaRanges)}}
}

// Best returns the media type on offer that the client likes best, and false if
// it accepts none. The offers are in the application's order, which decides
// between equals; parameters must agree with the client's, so that
// "text/html;level=1" is not accepted as "text/html". An offer that is no media
// type is never chosen.
func (a MIMEAccept) Best(offers ...string) (string, bool) {
	return a.best(offers, httplex.MediaRanges)
}

// Quality is how much the client likes a media type: 0 not at all, 1 fully.
func (a MIMEAccept) Quality(mediaType string) float64 {
	return a.quality(mediaType, httplex.MediaRanges)
}

// Accepts reports whether the client takes a media type at all.
func (a MIMEAccept) Accepts(mediaType string) bool { return a.Quality(mediaType) > 0 }

// AcceptsJSON reports whether the client takes application/json.
func (a MIMEAccept) AcceptsJSON() bool { return a.Accepts("application/json") }

// AcceptsXHTML reports whether the client takes XHTML or XML.
func (a MIMEAccept) AcceptsXHTML() bool {
	return a.Accepts("application/xhtml+xml") || a.Accepts("application/xml")
}

// AcceptsHTML reports whether the client takes HTML or XHTML.
func (a MIMEAccept) AcceptsHTML() bool { return a.Accepts("text/html") || a.AcceptsXHTML() }

// EncodingAccept is the Accept-Encoding header: the content codings a client
// understands (RFC 9110, section 12.5.3).
type EncodingAccept struct{ Accept }

// ParseEncodingAccept reads an Accept-Encoding header. Items with a bad quality
// are left out.
func ParseEncodingAccept(header string) EncodingAccept {
	return EncodingAccept{Accept{httplex.ParseWeights(header, httplex.Codings)}}
}

// Best returns the coding on offer that the client likes best, and false if it
// named none of them: then send the content as it is, which needs no offer.
func (a EncodingAccept) Best(offers ...string) (string, bool) {
	return a.best(offers, httplex.Codings)
}

// Quality is how much the client likes a coding: 0 not at all, 1 fully.
func (a EncodingAccept) Quality(coding string) float64 {
	return a.quality(coding, httplex.Codings)
}

// Accepts reports whether the client takes a coding at all. "identity", the
// content as it is, is accepted unless the client refuses it or, by "*;q=0",
// everything it does not name.
func (a EncodingAccept) Accepts(coding string) bool {
	if a.Quality(coding) > 0 {
		return true
	}
	if !httplex.EqualFold(coding, "identity") {
		return false
	}
	return httplex.Match(a.items, coding, httplex.Codings) < 0
}
