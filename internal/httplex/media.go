package httplex

import (
	"math"
	"strings"
)

// Kind says what the items of an Accept header are. It decides how they match
// an offer, and which of two matching items is more specific.
type Kind int

const (
	// Codings are single words, or a star, which is less specific.
	Codings Kind = iota
	// Languages are tags, whose subtags are separated by "-" or "_", or a star.
	Languages
	// MediaRanges are types and subtypes with parameters. More parts are more
	// specific than fewer, and a part is more specific than a star:
	// "text/html;a=b" before "text/html" before "text/*" before "*/*".
	MediaRanges
)

// classify finds out how specific an item is. Each of its parts takes two bits
// of the rank, the first part the highest.
func (w *Weighted) classify(kind Kind) {
	const top = 30
	slash := -1
	if kind == MediaRanges && len(w.Value) <= math.MaxUint16 {
		slash = strings.IndexByte(w.Value, '/')
	}
	if slash < 0 {
		w.rank = part(w.Value) << top
		return
	}
	w.slash, w.end = uint16(slash), uint16(len(w.Value))
	rest := w.Value[slash+1:]
	if semicolon := strings.IndexByte(rest, ';'); semicolon >= 0 {
		w.end = uint16(slash + 1 + semicolon)
	} else if strings.IndexByte(rest, '/') < 0 {
		w.rank = part(w.Value[:slash])<<top | part(rest)<<(top-2)
		return
	}
	shift, start := top, 0
	for i := 0; i <= len(w.Value) && shift >= 0; i++ {
		if i == len(w.Value) || w.Value[i] == '/' || w.Value[i] == ';' {
			w.rank |= part(Trim(w.Value[start:i])) << shift
			shift, start = shift-2, i+1
		}
	}
}

func part(s string) uint32 {
	if s == "*" {
		return 1
	}
	return 2
}

// mediaType is a media type on offer, split into its parts.
type mediaType struct{ name, subtype, params string }

func splitMedia(s string) (m mediaType, ok bool) {
	slash := strings.IndexByte(s, '/')
	if slash < 0 {
		return m, false
	}
	m.name = s[:slash]
	m.subtype, m.params = cutParams(s[slash+1:])
	return m, true
}

// matches reports whether an offer is of the media range. Names are compared
// without regard to case. Parameters are compared as a set: all of them must
// agree. A star in the offer also matches.
func (w *Weighted) matches(offer mediaType) bool {
	if w.end == 0 {
		return false
	}
	name := w.Value[:w.slash]
	if len(name) != len(offer.name) && name != "*" && offer.name != "*" {
		return false
	}
	subtype := Trim(w.Value[w.slash+1 : w.end])
	switch {
	case name == "*":
		return subtype == "*"
	case offer.name == "*":
		return offer.subtype == "*"
	case !EqualFold(name, offer.name):
		return false
	case subtype == "*" || offer.subtype == "*":
		return true
	case !EqualFold(subtype, offer.subtype):
		return false
	}
	if int(w.end) == len(w.Value) {
		return offer.params == ""
	}
	return sameParams(offer.params, Trim(w.Value[int(w.end)+1:]))
}

// Match returns the index of the first item (which is the most specific) that
// accepts an offer, or -1 if none does or the offer is not of the kind.
func Match(list []Weighted, offer string, kind Kind) int {
	switch kind {
	case MediaRanges:
		if m, ok := splitMedia(offer); ok {
			for i := range list {
				if list[i].matches(m) {
					return i
				}
			}
		}
	case Languages:
		for i := range list {
			if value := list[i].Value; value == "*" || len(value) == len(offer) && IsLanguagePrefix(offer, value) {
				return i
			}
		}
	default:
		for i := range list {
			if list[i].Value == "*" || EqualFold(list[i].Value, offer) {
				return i
			}
		}
	}
	return -1
}

// Best returns the index of the best offer: by the weight of the item that matches it, then by how
// specific that is, then by the order of the offers; -1 if none is accepted. A nil list comes from
// an empty header and accepts the first offer.
func Best(list []Weighted, offers []string, kind Kind) int {
	if list == nil {
		return min(0, len(offers)-1)
	}
	best, weight, rank := -1, 0.0, uint32(0)
	for i, offer := range offers {
		at := Match(list, offer, kind)
		if at < 0 {
			continue
		}
		w := &list[at]
		if w.Weight > weight || w.Weight == weight && weight > 0 && w.rank > rank {
			best, weight, rank = i, w.Weight, w.rank
		}
	}
	return best
}

// IsLanguagePrefix reports whether a language tag consists of the first subtags
// of another, or of all of them.
func IsLanguagePrefix(tag, of string) bool {
	if tag == "" || len(tag) > len(of) || len(tag) < len(of) && !isSubtagEnd(of[len(tag)]) {
		return false
	}
	for i := 0; i < len(tag); i++ {
		x, y := tag[i], of[i]
		if x == y || isSubtagEnd(x) && isSubtagEnd(y) {
			continue
		}
		if x |= 0x20; x != y|0x20 || x < 'a' || x > 'z' {
			return false
		}
	}
	return true
}

func isSubtagEnd(c byte) bool { return c == '-' || c == '_' }

// cutParams splits "html; level=1" at the semicolon.
func cutParams(s string) (subtype, params string) {
	subtype, params, _ = strings.Cut(s, ";")
	return Trim(subtype), Trim(params)
}

func sameParams(a, b string) bool {
	if EqualFold(a, b) {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	_, p := ParseOptions("x;" + a)
	_, q := ParseOptions("x;" + b)
	if len(p) != len(q) {
		return false
	}
	for _, param := range p {
		if value, ok := q.Lookup(param.Name); !ok || !EqualFold(value, param.Value) {
			return false
		}
	}
	return true
}
