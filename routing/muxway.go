package routing

import (
	"slices"
	"strings"
)

// The paths of a mux router's routes in the state machine.

// muxWay returns parts that match whatever the template of a mux route can, at
// least. A segment with variables becomes any segment, and from a variable that
// may hold a slash on anything matches.
func muxWay(template string, whole bool) []part {
	anything := part{pattern: restPattern}
	way := []part{{}}
	if !strings.HasPrefix(template, "/") {
		return append(way, anything)
	}
	segment, variable, level, start := "", false, 0, 0
	finish := func() {
		if variable {
			way = append(way, part{pattern: segmentPattern})
		} else {
			way = append(way, part{static: segment})
		}
		segment, variable = "", false
	}
	for i := 1; i < len(template); i++ {
		switch c := template[i]; {
		case c == '{':
			if level++; level == 1 {
				start = i
			}
		case c == '}':
			if level--; level == 0 {
				variable = true
				if _, pattern, ok := strings.Cut(template[start+1:i], ":"); ok && slashInExpression(pattern) {
					return append(way, anything)
				}
			}
		case level > 0:
		case c == '/':
			finish()
		default:
			segment += string([]byte{c})
		}
	}
	if !whole { // a prefix of the path, which may end within a segment
		return append(way, anything)
	}
	finish()
	return way
}

// The two patterns of a candidate's parts; a state has at most one edge of each.
var (
	segmentPattern = &pattern{elements: []element{{form: &form{kind: textForm, max: 1 << 30}}}, variables: 1}
	restPattern    = &pattern{elements: []element{{form: &form{kind: restForm}}}, variables: 1, final: true}
)

// plainPath reports whether path is sent as it is, so that it does not matter
// which form of it a router matches.
func plainPath(path string) bool {
	for i := range len(path) {
		if !plainInPath[path[i]] && path[i] != '/' {
			return false
		}
	}
	return true
}

// candidates appends the places of the routes that may match path, in order.
func (b *bridge) candidates(path string, found []int32) []int32 {
	if path != "" {
		found = b.table.hosts[""].candidates(path, 1, found)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// candidates walks as [matcher.walk] does, but every way.
func (s *state) candidates(path string, i int, found []int32) []int32 {
	if i > len(path) {
		for _, r := range s.rules {
			found = append(found, int32(r.index))
		}
		return found
	}
	rest := path[i:]
	var next *state
	length := 1
	if rest == "" || rest[0] == '/' {
		next = s.slash
	} else if len(s.kids) > 0 {
		next, length = s.child(rest)
	}
	if next != nil {
		found = next.candidates(path, i+length, found)
	}
	for n := range s.edges {
		e := &s.edges[n]
		after := len(path)
		if !e.pattern.final {
			after = end(path, i, '/')
		}
		found = e.next.candidates(path, after+1, found)
	}
	return found
}
