package httplex

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Weighted is an item of an Accept header and its weight, from 0 to 1.
type Weighted struct {
	Value  string
	Weight float64

	rank uint32
	// slash and end are where the type and the subtype of a media range end. Both are 0 if the element
	// is not a media range.
	slash, end uint16
}

// recent holds recently read headers, by kind and hash: browsers send the same
// few with every request.
var (
	recent     [3][64]atomic.Pointer[reading]
	recentSeed = maphash.MakeSeed()
)

type reading struct {
	header string
	list   []Weighted
}

// maxRecent is the length of the longest header that is kept.
const maxRecent = 256

// ParseWeights reads an Accept header of any kind (RFC 9110, section 12.5), and sorts its items:
// more specific items first, and equally specific ones by weight. The weight is 1 if "q" is
// missing; an item whose weight is not a number from 0 to 1 is left out. Parameters other than "q"
// stay with the value, in a normalized form: "text/html; level=1". The list is nil only for an
// empty header. It may belong to an earlier request, so it must not be written to.
func ParseWeights(header string, kind Kind) []Weighted {
	if header == "" || len(header) > maxRecent {
		return readWeights(header, kind)
	}
	place := &recent[kind][maphash.String(recentSeed, header)%uint64(len(recent[kind]))]
	if r := place.Load(); r != nil && r.header == header {
		return r.list
	}
	// The header is a part of a larger string, which must not stay in memory because of it.
	r := &reading{header: strings.Clone(header)}
	r.list = readWeights(r.header, kind)
	place.Store(r)
	return r.list
}

func readWeights(header string, kind Kind) []Weighted {
	var list []Weighted
	if strings.IndexByte(header, '"') >= 0 {
		for item := range Items(header) {
			list = appendWeighted(list, item, kind)
		}
	} else {
		for rest := header; rest != ""; {
			item := rest
			if comma := strings.IndexByte(rest, ','); comma >= 0 {
				item, rest = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			if item = Trim(item); item != "" {
				list = appendWeighted(list, item, kind)
			}
		}
	}
	if list == nil && Trim(header) != "" {
		list = []Weighted{}
	}
	if len(list) > 32 {
		slices.SortStableFunc(list, func(a, b Weighted) int { return compareWeighted(&a, &b) })
		return list
	}
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && compareWeighted(&list[j-1], &list[j]) > 0; j-- {
			list[j-1], list[j] = list[j], list[j-1]
		}
	}
	return list
}

func compareWeighted(a, b *Weighted) int {
	switch {
	case a.rank > b.rank, a.rank == b.rank && a.Weight > b.Weight:
		return -1
	case a.rank == b.rank && a.Weight == b.Weight:
		return 0
	}
	return 1
}

func appendWeighted(list []Weighted, item string, kind Kind) []Weighted {
	if list == nil {
		list = make([]Weighted, 0, 8)
	}
	list = append(list, Weighted{})
	w := &list[len(list)-1]
	if !w.read(item) {
		return list[:len(list)-1]
	}
	w.classify(kind)
	return list
}

// read splits an item into its value and its weight.
func (w *Weighted) read(item string) (ok bool) {
	if isQuoted(item) {
		item = Unquote(item)
	}
	w.Weight = 1
	semicolon := strings.IndexByte(item, ';')
	if semicolon < 0 {
		w.Value = Trim(item)
		return true
	}
	if w.Value = Trim(item[:semicolon]); w.Value == "" {
		return true // parameters of nothing
	}
	// The usual case is a weight and nothing else; it needs no allocation.
	rest := trimLeft(item[semicolon+1:])
	if len(rest) > 2 && rest[0]|0x20 == 'q' && rest[1] == '=' {
		if weight, ok := parseWeight(rest[2:]); ok {
			w.Weight = weight
			return true
		}
	}
	value, params := ParseOptions(item)
	if i := params.Index("q"); i >= 0 {
		if w.Weight, ok = parseWeight(Trim(params[i].Value)); !ok {
			return false
		}
		params = append(params[:i], params[i+1:]...)
	}
	if len(params) > 0 {
		w.Value = FormatOptions(value, params)
	}
	return true
}

// parseWeight reads digits with an optional fraction, from 0 to 1. The RFC
// allows three decimals, but more are accepted.
func parseWeight(s string) (float64, bool) {
	if len(s) == 3 && s[0] == '0' && s[1] == '.' && '0' <= s[2] && s[2] <= '9' {
		return float64(s[2]-'0') / 10, true // as browsers write it
	}
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, has := strings.Cut(digits, ".")
	if !isDigits(whole) || has && !isDigits(fraction) {
		return 0, false
	}
	// Below 16 digits, the quotient of the two exact numbers is the nearest float.
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

// isItem reports whether s, unchanged, is one item of a list.
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
