package datastructures

import (
	"iter"
	"slices"

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
	items []AcceptItem
}

// newAccept reads a header and sorts its items by rank and quality.
func newAccept(header string, rank func(string) uint64) Accept {
	var items []AcceptItem
	sorted := true
	for value, quality := range httplex.Weights(header) {
		if items == nil {
			items = make([]AcceptItem, 0, 8)
		}
		item := AcceptItem{value, quality}
		if n := len(items); sorted && n > 0 {
			sorted = compareAccept(items[n-1], item, rank) <= 0
		}
		items = append(items, item)
	}
	if items == nil && httplex.Trim(header) != "" {
		items = []AcceptItem{}
	}
	if !sorted {
		slices.SortStableFunc(items, func(a, b AcceptItem) int { return compareAccept(a, b, rank) })
	}
	return Accept{items}
}

func compareAccept(a, b AcceptItem, rank func(string) uint64) int {
	ra, rb := rank(a.Value), rank(b.Value)
	switch {
	case ra > rb, ra == rb && a.Quality > b.Quality:
		return -1
	case ra == rb && a.Quality == b.Quality:
		return 0
	}
	return 1
}

// IsZero reports whether the header was missing or empty.
func (a Accept) IsZero() bool { return a.items == nil }

// Len is the number of items.
func (a Accept) Len() int { return len(a.items) }

// At returns the item at place i, from 0.
func (a Accept) At(i int) AcceptItem { return a.items[i] }

// All ranges over the values and their qualities in order of preference.
func (a Accept) All() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, item := range a.items {
			if !yield(item.Value, item.Quality) {
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
	for i, item := range a.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = httplex.AppendWeight(b, item.Value, item.Quality)
	}
	return string(b)
}

// find returns the first item that matches, which is the most specific one.
func (a Accept) find(matches func(accepted string) bool) (AcceptItem, bool) {
	for _, item := range a.items {
		if matches(item.Value) {
			return item, true
		}
	}
	return AcceptItem{}, false
}

func (a Accept) quality(matches func(accepted string) bool) float64 {
	if a.IsZero() {
		return 1
	}
	item, _ := a.find(matches)
	return item.Quality
}

// best chooses among the offers: by the quality that the client gave to the
// most specific item that matches, then by how specific that item is, then by
// the order of the offers. It returns a place, -1 if nothing is accepted.
func (a Accept) best(offers []string, matches func(offer, accepted string) bool, rank func(string) uint64) int {
	if a.IsZero() {
		return min(0, len(offers)-1)
	}
	best, bestQuality, bestRank := -1, 0.0, uint64(0)
	for i, offer := range offers {
		item, ok := a.find(func(accepted string) bool { return matches(offer, accepted) })
		if !ok || item.Quality <= 0 || item.Quality < bestQuality {
			continue
		}
		if r := rank(item.Value); item.Quality > bestQuality || r > bestRank {
			best, bestQuality, bestRank = i, item.Quality, r
		}
	}
	return best
}

func offer(offers []string, i int) (string, bool) {
	if i < 0 {
		return "", false
	}
	return offers[i], true
}

// MIMEAccept is the Accept header: the media types a client understands (RFC
// 9110, section 12.5.1).
type MIMEAccept struct{ Accept }

// ParseMIMEAccept reads an Accept header. Items with a bad quality are left out.
func ParseMIMEAccept(header string) MIMEAccept {
	return MIMEAccept{newAccept(header, httplex.MediaRank)}
}

// Best returns the media type on offer that the client likes best, and false if
// it accepts none. The offers are in the application's order, which decides
// between equals; parameters must agree with the client's, so that
// "text/html;level=1" is not accepted as "text/html". An offer that is no media
// type is never chosen.
func (a MIMEAccept) Best(offers ...string) (string, bool) {
	return offer(offers, a.best(offers, httplex.MediaMatches, httplex.MediaRank))
}

// Quality is how much the client likes a media type: 0 not at all, 1 fully.
func (a MIMEAccept) Quality(mediaType string) float64 {
	return a.quality(func(accepted string) bool { return httplex.MediaMatches(mediaType, accepted) })
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
	return EncodingAccept{newAccept(header, httplex.ValueRank)}
}

func codingMatches(offer, accepted string) bool {
	return accepted == "*" || httplex.EqualFold(offer, accepted)
}

// Best returns the coding on offer that the client likes best, and false if it
// named none of them: then send the content as it is, which needs no offer.
func (a EncodingAccept) Best(offers ...string) (string, bool) {
	return offer(offers, a.best(offers, codingMatches, httplex.ValueRank))
}

// Quality is how much the client likes a coding: 0 not at all, 1 fully.
func (a EncodingAccept) Quality(coding string) float64 {
	return a.quality(func(accepted string) bool { return codingMatches(coding, accepted) })
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
	_, named := a.find(func(accepted string) bool { return codingMatches(coding, accepted) })
	return !named
}
