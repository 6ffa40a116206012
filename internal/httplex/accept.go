package httplex

import (
	"iter"
	"strconv"
	"strings"
)

// Weights ranges over the items of an Accept header (RFC 9110, section 12.5)
// with their weights: 1 where "q" is missing. Parameters other than "q" stay
// with the value, written one way: "text/html; level=1". An item whose weight is
// not a number from 0 to 1 is left out.
func Weights(header string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for item := range Items(header) {
			value, weight, ok := weighItem(item)
			if ok && !yield(value, weight) {
				return
			}
		}
	}
}

func weighItem(item string) (value string, weight float64, ok bool) {
	if isQuoted(item) {
		item = Unquote(item)
	}
	semicolon := strings.IndexByte(item, ';')
	if semicolon < 0 {
		return Trim(item), 1, true
	}
	if Trim(item[:semicolon]) == "" {
		return "", 1, true // parameters of nothing
	}
	// The usual case without an allocation: a weight and nothing else.
	rest := trimLeft(item[semicolon+1:])
	if len(rest) > 2 && rest[0]|0x20 == 'q' && rest[1] == '=' {
		if text := Trim(rest[2:]); text != "" && tokenLen(text) == len(text) {
			weight, ok = parseWeight(text)
			return Trim(item[:semicolon]), weight, ok
		}
	}
	value, params := ParseOptions(item)
	weight = 1
	if i := params.Index("q"); i >= 0 {
		if weight, ok = parseWeight(Trim(params[i].Value)); !ok {
			return "", 0, false
		}
		params = append(params[:i], params[i+1:]...)
	}
	if len(params) == 0 {
		return value, weight, true
	}
	return FormatOptions(value, params), weight, true
}

// parseWeight reads digits with an optional fraction, from 0 to 1. The RFC
// allows three decimals; more are understood.
func parseWeight(s string) (float64, bool) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, has := strings.Cut(digits, ".")
	if !isDigits(whole) || has && !isDigits(fraction) {
		return 0, false
	}
	// Below 16 digits a quotient of two exact numbers is the nearest one.
	if len(s) <= 16 && len(s) == len(digits) {
		var n, scale float64 = 0, 1
		for i := 0; i < len(whole); i++ {
			n = n*10 + float64(whole[i]-'0')
		}
		for i := 0; i < len(fraction); i++ {
			n, scale = n*10+float64(fraction[i]-'0'), scale*10
		}
		n /= scale
		return n, n <= 1
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n > 1 {
		return 0, false
	}
	return n + 0, true
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// AppendWeight appends an item and its weight, as [Weights] reads them.
func AppendWeight(dst []byte, value string, weight float64) []byte {
	start := len(dst)
	dst = append(dst, value...)
	if weight != 1 {
		dst = append(dst, ";q="...)
		dst = strconv.AppendFloat(dst, weight, 'f', -1, 64)
	}
	if item := string(dst[start:]); !isItem(item) {
		dst = AppendQuoted(dst[:start], item)
	}
	return dst
}

// isItem reports whether s is one item of a list as it stands.
func isItem(s string) bool {
	if strings.IndexByte(s, ',') < 0 && strings.IndexByte(s, '"') < 0 {
		return s != "" && Trim(s) == s
	}
	n := 0
	for item := range Items(s) {
		if n++; n > 1 || item != s || isQuoted(item) {
			return false
		}
	}
	return n == 1
}

// Rank orders the items of an Accept header by how much they say: more parts
// are more specific than fewer, a part that is given more than a star. Parts are
// what delimiter splits, and parameters.
func rank(value string, isDelimiter func(byte) bool) (rank uint64) {
	shift, start := 62, 0
	for i := 0; i <= len(value) && shift >= 0; i++ {
		if i < len(value) && !isDelimiter(value[i]) {
			continue
		}
		digit := uint64(2)
		if Trim(value[start:i]) == "*" {
			digit = 1
		}
		rank |= digit << shift
		shift, start = shift-2, i+1
	}
	return rank
}

// ValueRank is the specificity of an item that is one value or a star.
func ValueRank(value string) uint64 {
	return rank(value, func(byte) bool { return false })
}

// MediaRank is the specificity of a media range: "text/html;level=1" before
// "text/html" before "text/*" before "*/*".
func MediaRank(value string) uint64 {
	return rank(value, func(c byte) bool { return c == '/' || c == ';' })
}

// MediaMatches reports whether a media type on offer is of a media range that a
// client accepts. Names are compared without regard to case, parameters as a
// set: all of them must agree. A star in the offer matches too. What is no media
// type matches nothing.
func MediaMatches(offer, accepted string) bool {
	offerType, offerRest, ok := strings.Cut(offer, "/")
	if !ok {
		return false
	}
	acceptedType, acceptedRest, ok := strings.Cut(accepted, "/")
	if !ok {
		return false
	}
	offerSubtype, offerParams := cutParams(offerRest)
	acceptedSubtype, acceptedParams := cutParams(acceptedRest)
	switch {
	case acceptedType == "*" || offerType == "*":
		return acceptedType == "*" && acceptedSubtype == "*" || offerType == "*" && offerSubtype == "*"
	case !EqualFold(offerType, acceptedType):
		return false
	case acceptedSubtype == "*" || offerSubtype == "*":
		return true
	}
	return EqualFold(offerSubtype, acceptedSubtype) && sameParams(offerParams, acceptedParams)
}

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

// BestMedia returns the place of the offer that an Accept header likes best: by
// weight, then by how specific the range is that matched, then by the order of
// the offers; -1 if none is accepted. Without a header the first offer is.
func BestMedia(header string, offers ...string) int {
	if Trim(header) == "" {
		return min(0, len(offers)-1)
	}
	best, bestWeight, bestRank := -1, 0.0, uint64(0)
	for i, offer := range offers {
		// The most specific range that matches an offer decides its weight.
		weight, matched := -1.0, uint64(0)
		for value, w := range Weights(header) {
			r := MediaRank(value)
			if (r > matched || r == matched && w > weight) && MediaMatches(offer, value) {
				weight, matched = w, r
			}
		}
		if weight > bestWeight || weight == bestWeight && weight > 0 && matched > bestRank {
			best, bestWeight, bestRank = i, weight, matched
		}
	}
	return best
}
