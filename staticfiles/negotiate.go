package staticfiles

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// preference is what a client's Accept-Encoding says about the codings: those
// it takes rather than the plain file, best first.
type preference struct {
	order [codings]int8
	n     int
}

// preferences remembers what was parsed: a few browsers send most requests.
type preferences struct {
	mu     sync.Mutex
	parsed atomic.Pointer[map[string]preference]
}

// maxPreferences bounds what is remembered.
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
	best := 0.0
	for c, name := range codingNames {
		if q := quality(header, name); q > best {
			best = q
			wish.order[0], wish.n = int8(c), 1
		}
	}
	return wish
}

func quality(header, coding string) float64 {
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		_, q, ok := strings.Cut(params, "=")
		if !ok {
			return 1
		}
		v, _ := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return v
	}
	return 0
}
