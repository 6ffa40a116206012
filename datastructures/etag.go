package datastructures

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
)

// ETag is an entity tag: the name of one state of a resource (RFC 9110, section 8.8.3). The zero
// ETag means that there is no entity tag.
type ETag struct {
	// Value is the tag without its quotes. It must not hold quotes or control
	// characters.
	Value string
	// Weak says that states with this tag mean the same but may differ in bytes.
	Weak bool
}

// NewETag returns a strong tag made of data: the first half of its SHA-256.
func NewETag(data []byte) ETag {
	sum := sha256.Sum256(data)
	return ETag{Value: base64.RawURLEncoding.EncodeToString(sum[:16])}
}

// ParseETag reads one tag: `"a"`, or `W/"a"` for a weak one. Quotes may be
// missing and the W may be small. It reports false for the empty tag, which
// would match every state.
func ParseETag(s string) (ETag, bool) {
	s, weak := cutWeak(httplex.Trim(s))
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if s == "" {
		return ETag{}, false
	}
	return ETag{s, weak}, true
}

func cutWeak(s string) (string, bool) {
	if len(s) >= 2 && s[0]|0x20 == 'w' && s[1] == '/' {
		return s[2:], true
	}
	return s, false
}

// String returns the tag in quotes, `W/` before a weak one.
func (t ETag) String() string {
	if t.Weak {
		return `W/"` + t.Value + `"`
	}
	return `"` + t.Value + `"`
}

// ETags are the tags of an If-Match or If-None-Match header, or the star that
// stands for any. The zero ETags is a header that was not sent. A header that
// was sent but lists no tag is different: it matches nothing.
type ETags struct {
	// Star says that any state will do: "*".
	Star bool
	// Tags are the listed ones: nil if the header was not sent, empty if it lists none.
	Tags []ETag
}

// ParseETags reads a list of tags. Quotes may be missing, commas inside quotes
// belong to the tag, empty ones are left out, a star anywhere makes it the star.
// The result is zero for blank text only: `""` and "," are lists of no tag.
func ParseETags(header string) ETags {
	header = httplex.Trim(header)
	if header == "" {
		return ETags{}
	}
	e := ETags{Tags: noTags}
	closing := 0 // the offset of a closing quote; the next one is looked for when at has passed it
	for at := 0; at < len(header); {
		text, weak := cutWeak(header[at:])
		start := len(header) - len(text)
		if strings.HasPrefix(text, `"`) {
			if closing <= start {
				closing = closingQuote(header, start+1)
			}
			if closing < len(header) {
				if closing > start+1 {
					e.Tags = append(e.Tags, ETag{header[start+1 : closing], weak})
				}
				at = nextItem(header, closing+1)
				continue
			}
		}
		end := len(header)
		if comma := strings.IndexByte(text, ','); comma >= 0 {
			end = start + comma
			text = strings.TrimRight(text[:comma], " \t")
		}
		switch text {
		case "*":
			return ETags{Star: true}
		case "":
		default:
			e.Tags = append(e.Tags, ETag{text, weak})
		}
		at = nextItem(header, end)
	}
	return e
}

// noTags are the tags of a header that lists none.
var noTags = []ETag{}

// closingQuote finds the first quote from i on that ends a tag, because a comma
// or the header's end follows it. The result is len(header) if there is none.
func closingQuote(header string, i int) int {
	for ; i < len(header); i++ {
		if header[i] != '"' {
			continue
		}
		next := i + 1
		for next < len(header) && (header[next] == ' ' || header[next] == '\t') {
			next++
		}
		if i+1 == len(header) || next < len(header) && header[next] == ',' {
			return i
		}
		i = next - 1
	}
	return i
}

// nextItem skips the comma at i, with the whitespace around it.
func nextItem(header string, i int) int {
	for i < len(header) && (header[i] == ' ' || header[i] == '\t') {
		i++
	}
	if i < len(header) && header[i] == ',' {
		i++
	}
	for i < len(header) && (header[i] == ' ' || header[i] == '\t') {
		i++
	}
	return i
}

// StrongMatch reports whether tag is among the tags as If-Match compares: strong
// ones only. The star matches every tag.
func (e ETags) StrongMatch(tag ETag) bool {
	return e.Star || !tag.Weak && slices.Contains(e.Tags, tag)
}

// WeakMatch reports whether tag is among the tags as If-None-Match compares:
// weak or not. The star matches every tag.
func (e ETags) WeakMatch(tag ETag) bool {
	if e.Star {
		return true
	}
	for _, t := range e.Tags {
		if t.Value == tag.Value {
			return true
		}
	}
	return false
}

// String returns the header. A header that was sent but lists no tag is a list of nothing, ",".
func (e ETags) String() string {
	switch {
	case e.Star:
		return "*"
	case e.Tags != nil && len(e.Tags) == 0:
		return ","
	}
	var b strings.Builder
	for i, tag := range e.Tags {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(tag.String())
	}
	return b.String()
}

// sent reports whether the header was sent.
func (e ETags) sent() bool { return e.Star || e.Tags != nil }

// strongMatch compares as If-Match and If-Range do: equal, and neither is weak (RFC 9110, section
// 8.8.3.2).
func strongMatch(a, b ETag) bool { return !a.Weak && !b.Weak && a.Value == b.Value }
