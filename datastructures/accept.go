package datastructures

import (
	"iter"
	"slices"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Accept holds the values of an Accept header with their qualities: the most specific first, then
// the most preferred, then in the client's order.
//
// The zero Accept stands for a header that was not sent: every offer is welcome
// (RFC 9110, section 12.5.1), and the first is the best.
type Accept struct {
	items []httplex.Weighted
}

// IsZero reports whether the header was missing or empty.
func (a Accept) IsZero() bool { return a.items == nil }

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

// Best returns the media type on offer that the client likes best, and false if it accepts none.
// The offers are in the application's order, which decides between offers that the client likes
// equally. Parameters must agree with the client's, so that "text/html;level=1" is not accepted as
// "text/html". An offer that is not a valid media type is never chosen.
func (a MIMEAccept) Best(offers ...string) (string, bool) {
	return a.best(offers, httplex.MediaRanges)
}

// Quality is how much the client likes a media type: 0 not at all, 1 fully.
func (a MIMEAccept) Quality(mediaType string) float64 {
	return a.quality(mediaType, httplex.MediaRanges)
}

// EncodingAccept is the Accept-Encoding header: the content codings a client understands (RFC
// 9110, section 12.5.3). The zero EncodingAccept stands for a header that is empty, or was not
// sent. An empty header asks for no coding. Without a header the client may understand any coding,
// but it does not say so; so both accept only "identity", the content as it is.
type EncodingAccept struct{ Accept }

// ParseEncodingAccept reads an Accept-Encoding header. Items with a bad quality
// are left out.
func ParseEncodingAccept(header string) EncodingAccept {
	return EncodingAccept{Accept{httplex.ParseWeights(header, httplex.Codings)}}
}

// Best returns the offered coding that the client likes best, and false if it named none of them:
// then send the content as it is, which needs no offer.
func (a EncodingAccept) Best(offers ...string) (string, bool) {
	if a.IsZero() {
		if i := slices.IndexFunc(offers, isIdentity); i >= 0 {
			return offers[i], true
		}
		return "", false
	}
	return a.best(offers, httplex.Codings)
}

// Quality is how much the client likes a coding: 0 not at all, 1 fully.
func (a EncodingAccept) Quality(coding string) float64 {
	if a.IsZero() && !isIdentity(coding) {
		return 0
	}
	return a.quality(coding, httplex.Codings)
}

func isIdentity(coding string) bool { return httplex.EqualFold(coding, "identity") }
