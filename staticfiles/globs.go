package staticfiles

import (
	"fmt"
	"path"
	"strings"
)

// globs are patterns over the names of an export. Within a segment they have
// the syntax of [path.Match]; a segment "**" matches any number of segments. A
// pattern without a slash ("*.map") is matched against each segment, and a
// pattern with a slash ("private/*.txt", "/index.txt") against the whole name.
type globs []glob

type glob struct {
	anywhere bool
	segments []string
}

func parseGlobs(patterns []string, fold bool) (globs, error) {
	var gs globs
	for _, p := range patterns {
		if fold {
			p = strings.ToLower(p)
		}
		if strings.Trim(p, "/") == "" {
			return nil, fmt.Errorf("glob %q matches nothing", p)
		}
		// A slash at the end only says that a directory is meant.
		g := glob{anywhere: !strings.Contains(strings.TrimSuffix(p, "/"), "/"), segments: strings.Split(strings.Trim(p, "/"), "/")}
		for _, segment := range g.segments {
			if _, err := path.Match(segment, ""); err != nil {
				return nil, fmt.Errorf("glob %q: %w", p, err)
			}
		}
		gs = append(gs, g)
	}
	return gs, nil
}

// match reports whether a pattern matches the whole name or, if the pattern has
// no slash, the last segment.
func (gs globs) match(name string) bool {
	if len(gs) == 0 {
		return false
	}
	segments := strings.Split(name, "/")
	for _, g := range gs {
		if g.anywhere && matchSegments(g.segments, segments[len(segments)-1:]) ||
			!g.anywhere && matchSegments(g.segments, segments) {
			return true
		}
	}
	return false
}

// covers reports whether a pattern matches name or a directory that it is in.
func (gs globs) covers(name string) bool {
	if len(gs) == 0 {
		return false
	}
	segments := strings.Split(name, "/")
	for _, g := range gs {
		for i := range segments {
			if g.anywhere && matchSegments(g.segments, segments[i:i+1]) ||
				!g.anywhere && matchSegments(g.segments, segments[:i+1]) {
				return true
			}
		}
	}
	return false
}

// matchSegments goes back only to the last "**", so its time is at most
// proportional to the product of the lengths.
func matchSegments(pattern, name []string) bool {
	p, n := 0, 0
	star, resume := -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == "**" {
			star, resume = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if ok, _ := path.Match(pattern[p], name[n]); ok {
				p++
				n++
				continue
			}
		}
		if star < 0 {
			return false
		}
		resume++
		p, n = star+1, resume
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}
