package staticfiles

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zeugkit/zeug/datastructures"
)

// preference is the list of codings that a client's Accept-Encoding prefers to
// the plain file, best first.
type preference struct {
	order [codings]int8
	n     int
}

// preferences keeps parsed headers: a few browsers send most requests.
type preferences struct {
	mu     sync.Mutex
	parsed atomic.Pointer[map[string]preference]
}

// maxPreferences limits how many are kept.
const maxPreferences = 128

func (p *preferences) of(header string) preference {
	if m := p.parsed.Load(); m != nil {
		if known, ok := (*m)[header]; ok {
			return known
		}
	}
	wish := parsePreference(header)
	if len(header) > 256 {
		return wish
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	grown := make(map[string]preference)
	if m := p.parsed.Load(); m != nil && len(*m) < maxPreferences {
		for k, v := range *m {
			grown[k] = v
		}
	}
	grown[strings.Clone(header)] = wish
	p.parsed.Store(&grown)
	return wish
}

// negotiate chooses the form of res that the client likes best.
func (s *Shared) negotiate(r *http.Request, res *resource) *representation {
	var header string
	switch values := r.Header["Accept-Encoding"]; len(values) {
	case 0:
		return res.plain
	case 1:
		header = values[0]
	default:
		header = strings.Join(values, ", ")
	}
	wish := s.preferences.of(header)
	for _, c := range wish.order[:wish.n] {
		form := &res.coded[c]
		if form.sibling != nil {
			return form.sibling
		}
		if s.encodes(int(c), res.plain) {
			if rep := s.made(res, int(c)); rep != nil {
				return rep
			}
		}
	}
	return res.plain
}

func parsePreference(header string) (wish preference) {
	accept := datastructures.ParseEncodingAccept(header)
	// The plain file is the last choice unless the client says otherwise.
	plain := 0.0
	// x-gzip is another name for gzip (RFC 9110, section 8.4.1.3). If the client names either, a
	// star does not include them.
	named := -1.0
	for coding, q := range accept.All() {
		switch {
		case strings.EqualFold(coding, "identity"):
			plain = q
		case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
			named = max(named, q)
		}
	}
	var quality [codings]float64
	for c, name := range codingNames {
		quality[c] = accept.Quality(name)
	}
	if named >= 0 {
		quality[gzip] = named
	}
	if header == "" {
		return wish
	}
	for {
		best := -1
		for c, q := range quality {
			if q > 0 && q >= plain && (best < 0 || q > quality[best]) {
				best = c
			}
		}
		if best < 0 {
			return wish
		}
		wish.order[wish.n] = int8(best)
		wish.n++
		quality[best] = 0
	}
}
