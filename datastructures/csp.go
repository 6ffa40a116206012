package datastructures

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
)

type cspDirective struct{ name, value string }

// ContentSecurityPolicy is a policy of the Content-Security-Policy header (CSP
// level 3): directives such as "default-src" with the sources they allow, in
// their order. Keywords among the sources have their quotes: "'self'". A directive may have no
// sources: "upgrade-insecure-requests". The zero policy is empty and ready for use.
type ContentSecurityPolicy struct {
	directives []cspDirective
}

// ParseContentSecurityPolicy reads a policy. Names are made lower case. If a directive comes
// twice, the first counts, as in browsers.
func ParseContentSecurityPolicy(header string) ContentSecurityPolicy {
	var p ContentSecurityPolicy
	seen := map[string]struct{}{}
	for directive := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.ReplaceAll(httplex.Trim(directive), "\t", " "), " ")
		name = httplex.Lower(name)
		if _, twice := seen[name]; name == "" || twice {
			continue
		}
		seen[name] = struct{}{}
		p.directives = append(p.directives, cspDirective{name, httplex.Trim(value)})
	}
	return p
}

// All ranges over the directives and their sources; the sources of one directive are one string.
func (p ContentSecurityPolicy) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, d := range p.directives {
			if !yield(d.name, d.value) {
				return
			}
		}
	}
}

// Lookup returns the sources of a directive, and whether it is there.
func (p ContentSecurityPolicy) Lookup(directive string) (string, bool) {
	if i := p.index(directive); i >= 0 {
		return p.directives[i].value, true
	}
	return "", false
}

// Set replaces the sources of a directive; a new directive comes last. A name
// or a source that would end the directive is an error.
func (p *ContentSecurityPolicy) Set(directive string, sources ...string) error {
	directive = httplex.Lower(directive)
	if err := checkDirective(directive, sources); err != nil {
		return err
	}
	directives := slices.Clone(p.directives)
	set := cspDirective{directive, strings.Join(sources, " ")}
	if i := p.index(directive); i >= 0 {
		directives[i] = set
	} else {
		directives = append(directives, set)
	}
	p.directives = directives
	return nil
}

// Add appends sources to those of a directive. If the directive was only
// 'none', it then allows just the new sources.
func (p *ContentSecurityPolicy) Add(directive string, sources ...string) error {
	if value, _ := p.Lookup(directive); value != "" && value != "'none'" {
		sources = append([]string{value}, sources...)
	}
	return p.Set(directive, sources...)
}

// Del removes a directive.
func (p *ContentSecurityPolicy) Del(directive string) {
	if i := p.index(directive); i >= 0 {
		p.directives = slices.Delete(slices.Clone(p.directives), i, i+1)
	}
}

// String returns the header.
func (p ContentSecurityPolicy) String() string {
	var b strings.Builder
	for i, d := range p.directives {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(d.name)
		if d.value != "" {
			b.WriteByte(' ')
			b.WriteString(d.value)
		}
	}
	return b.String()
}

func (p ContentSecurityPolicy) index(directive string) int {
	return slices.IndexFunc(p.directives, func(d cspDirective) bool {
		return httplex.EqualFold(d.name, directive)
	})
}

func checkDirective(directive string, sources []string) error {
	if !httplex.IsToken(directive) {
		return fmt.Errorf("content security policy: %q is not the name of a directive", directive)
	}
	for _, source := range sources {
		if strings.ContainsAny(source, ";,") || !httplex.IsFieldValue(source) {
			return fmt.Errorf("content security policy: %s: the source %q has a character that would end it", directive, source)
		}
	}
	return nil
}
