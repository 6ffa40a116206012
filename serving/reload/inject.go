package reload

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/serving/supervise"
)

// inject puts the script that listens for changes after version into an HTML
// document that a browser asked for, and into nothing else: no fragment, no download, nothing
// compressed, no part of a document.
func (s *Supervisor) inject(r *http.Request, resp *http.Response, version string) error {
	h := resp.Header
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if s.config.NoInject || err != nil || media != "text/html" ||
		r.Method != http.MethodGet || !isNavigation(r) ||
		resp.StatusCode < 200 || resp.StatusCode == http.StatusNoContent ||
		resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusNotModified ||
		strings.HasPrefix(strings.ToLower(h.Get("Content-Disposition")), "attachment") ||
		h.Get("Content-Encoding") != "" || h.Get("Content-Digest") != "" || h.Get("Repr-Digest") != "" {
		return nil
	}
	// The beginning decides, as it comes: the rest may be a stream.
	head, rest := peekDocument(resp.Body)
	at := documentHead(head)
	if at < 0 {
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
		return nil
	}
	// Each field may hold several policies, all of which are obeyed.
	policies := strings.Split(strings.Join(h.Values("Content-Security-Policy"), ","), ",")
	nonce := ""
	for i, policy := range policies {
		policies[i] = allowing(policy, originOf(r))
		nonce = cmp.Or(nonce, scriptNonce(policy))
	}
	if h.Get("Content-Security-Policy") != "" {
		h.Set("Content-Security-Policy", strings.Join(policies, ", "))
	}
	tag := scriptTag(version, nonce)
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(head[:at]), strings.NewReader(tag), bytes.NewReader(head[at:]), rest), resp.Body}
	if resp.ContentLength >= 0 {
		resp.ContentLength += int64(len(tag))
		h.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	return nil
}

// scriptTag is the script's element in a page of that version, with the nonce that
// its policy wants of scripts, if any.
func scriptTag(version, nonce string) string {
	if nonce != "" {
		nonce = ` nonce="` + html.EscapeString(nonce) + `"`
	}
	return fmt.Sprintf(`<script src="%slive.js" data-version="%s"%s></script>`, supervise.Prefix, version, nonce)
}

func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// allowing returns a Content-Security-Policy that allows the script and the
// stream of events besides what it allows already, and nothing else.
func allowing(policy, origin string) string {
	p := datastructures.ParseContentSecurityPolicy(policy)
	for directive, path := range map[string]string{"script-src": "live.js", "connect-src": "live"} {
		if directive == "script-src" {
			if _, ok := p.Lookup("script-src-elem"); ok {
				directive = "script-src-elem"
			}
		}
		sources, ok := p.Lookup(directive)
		if !ok {
			if sources, ok = p.Lookup("default-src"); !ok {
				continue // not restricted
			}
		}
		sources = strings.TrimSpace(strings.ReplaceAll(sources, "'none'", ""))
		if p.Set(directive, append(strings.Fields(sources), origin+supervise.Prefix+path)...) != nil {
			return policy
		}
	}
	return p.String()
}

// scriptNonce returns the nonce by which a policy allows scripts, if there is one.
func scriptNonce(policy string) string {
	p := datastructures.ParseContentSecurityPolicy(policy)
	for _, directive := range []string{"script-src-elem", "script-src", "default-src"} {
		sources, ok := p.Lookup(directive)
		if !ok {
			continue
		}
		for source := range strings.FieldsSeq(sources) {
			if value, ok := strings.CutPrefix(source, "'nonce-"); ok {
				return strings.TrimSuffix(value, "'")
			}
		}
		break // the others do not count
	}
	return ""
}

type readCloser struct {
	io.Reader
	io.Closer
}

// headSize is how far into a document its head is looked for.
const headSize = 4 << 10

// peekDocument reads until the beginning of a document is past, or is known not
// to be one; rest gives what follows, and the error that reading ended with.
func peekDocument(body io.Reader) (head []byte, rest io.Reader) {
	head = make([]byte, 0, headSize)
	for len(head) < headSize {
		n, err := body.Read(head[len(head):headSize])
		head = head[:len(head)+n]
		if err != nil {
			return head, failing{err}
		}
		if _, whole := scanHead(head); whole {
			break
		}
	}
	return head, body
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// documentHead returns where in a document a script may stand first, and -1 when
// it is none: it begins with neither a doctype nor <html>.
func documentHead(b []byte) int {
	at, _ := scanHead(b)
	return at
}

// scanHead looks past a doctype, <html> and <head>, any of which may be left out,
// and what may stand between them. whole says that more bytes would not change
// the answer.
func scanHead(b []byte) (at int, whole bool) {
	i, mark := 0, []byte("\xef\xbb\xbf")
	if bytes.HasPrefix(b, mark) {
		i = len(mark)
	} else if bytes.HasPrefix(mark, b) {
		return -1, false
	}
	isDocument := false
	for {
		i = skipBlank(b, i)
		if i < 0 || i >= len(b) {
			break
		}
		name, length := tagName(b[i:])
		if length < 0 {
			// The tag goes on beyond b.
			if isDocument {
				return lastHead(b, i), false
			}
			return -1, false
		}
		switch name {
		case "!doctype", "html":
			isDocument = true
		case "head":
			if isDocument {
				return i + length, true
			}
			return -1, true
		default:
			if isDocument {
				return i, true
			}
			return -1, true
		}
		i += length
	}
	if isDocument {
		return lastHead(b, len(b)), false
	}
	return -1, false
}

// lastHead is the end of what was scanned whole: b up to i, without the comment
// or blanks that may go on.
func lastHead(b []byte, i int) int {
	if end := bytes.LastIndexByte(b[:i], '>'); end >= 0 {
		return end + 1
	}
	return i
}

// skipBlank returns the index after blanks and comments, or -1 within a comment.
func skipBlank(b []byte, i int) int {
	for i < len(b) {
		switch {
		case b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r' || b[i] == '\f':
			i++
		case bytes.HasPrefix(b[i:], []byte("<!--")):
			end := bytes.Index(b[i+4:], []byte("-->"))
			if end < 0 {
				return -1
			}
			i += 4 + end + 3
		default:
			return i
		}
	}
	return i
}

// tagName returns the lower-case name of the tag that b begins with and the
// length of the whole tag: -1 when it does not end in b, and "" when b begins
// with no tag.
func tagName(b []byte) (name string, length int) {
	if b[0] != '<' {
		return "", 0
	}
	quote := byte(0)
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			inner := string(b[1:i])
			if end := strings.IndexAny(inner, " \t\n\r\f/"); end >= 0 {
				inner = inner[:end]
			}
			return strings.ToLower(inner), i + 1
		}
	}
	return "", -1
}
