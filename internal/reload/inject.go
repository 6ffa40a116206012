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
	"github.com/zeugkit/zeug/internal/supervise"
)

// inject puts a script into an HTML or XHTML document that a browser requests. The script listens
// for changes after version. It leaves fragments, downloads, compressed bodies and parts of
// documents alone.
func (s *Supervisor) inject(r *http.Request, resp *http.Response, version string) error {
	h := resp.Header
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	scan, tag := scanHead, scriptTag
	if media == "application/xhtml+xml" {
		scan, tag = scanXHTML, xhtmlTag
	} else if media != "text/html" {
		return nil
	}
	if s.config.NoInject || err != nil ||
		r.Method != http.MethodGet || !isNavigation(r) ||
		resp.StatusCode < 200 || resp.StatusCode == http.StatusNoContent ||
		resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusNotModified ||
		strings.HasPrefix(strings.ToLower(h.Get("Content-Disposition")), "attachment") ||
		h.Get("Content-Encoding") != "" || h.Get("Content-Digest") != "" || h.Get("Repr-Digest") != "" {
		return nil
	}
	// The beginning is enough to decide, since the rest may be a stream.
	head, rest := peekDocument(resp.Body, scan)
	at, _ := scan(head)
	if at < 0 {
		resp.Body = readCloser{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
		return nil
	}
	// Each field may hold several policies, and all of them apply.
	policies := strings.Split(strings.Join(h.Values("Content-Security-Policy"), ","), ",")
	nonce := ""
	for i, policy := range policies {
		policies[i] = allowing(policy, originOf(r))
		nonce = cmp.Or(nonce, scriptNonce(policy))
	}
	if h.Get("Content-Security-Policy") != "" {
		h.Set("Content-Security-Policy", strings.Join(policies, ", "))
	}
	script := tag(version, nonce)
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(head[:at]), strings.NewReader(script), bytes.NewReader(head[at:]), rest), resp.Body}
	if resp.ContentLength >= 0 {
		resp.ContentLength += int64(len(script))
		h.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	return nil
}

// scriptTag is the script's element for a page of that version, with the nonce
// that its policy requires for scripts, if any.
func scriptTag(version, nonce string) string {
	if nonce != "" {
		nonce = ` nonce="` + html.EscapeString(nonce) + `"`
	}
	return fmt.Sprintf(`<script src="%slive.js" data-version="%s"%s></script>`, supervise.Prefix, version, nonce)
}

// xhtmlTag is like scriptTag, but in XML, whatever the namespace of the element around it.
func xhtmlTag(version, nonce string) string {
	return strings.Replace(scriptTag(version, nonce), "<script ", `<script xmlns="http://www.w3.org/1999/xhtml" `, 1)
}

func originOf(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// allowing returns a Content-Security-Policy that also allows the script and the stream of events,
// and nothing else.
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

// scriptNonce returns the nonce with which a policy allows scripts, if there is one.
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

// headSize is how many bytes of a document are searched for its head.
const headSize = 4 << 10

// peekDocument reads until scan knows where the beginning of a document ends, or that the body is
// not a document. rest gives the following bytes, and the error that ended reading.
func peekDocument(body io.Reader, scan func([]byte) (at int, whole bool)) (head []byte, rest io.Reader) {
	head = make([]byte, 0, headSize)
	for len(head) < headSize {
		n, err := body.Read(head[len(head):headSize])
		head = head[:len(head)+n]
		if err != nil {
			return head, failing{err}
		}
		if _, whole := scan(head); whole {
			break
		}
	}
	return head, body
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// utf8Mark is the byte order mark with which a document in UTF-8 may begin.
var utf8Mark = []byte("\xef\xbb\xbf")

// scanHead returns the first place in an HTML document where a script may be. It returns -1 if the
// body begins neither with a doctype nor with <html>, and so is not a document. It skips these and
// <head>, any of which may be missing, and everything that may be between them. whole says that
// more bytes would not change the result.
func scanHead(b []byte) (at int, whole bool) {
	at = -1
	i := skipMark(b)
	if i < 0 {
		return -1, false
	}
	for {
		i = skipBlank(b, i)
		if i < 0 || i >= len(b) {
			return at, false
		}
		name, length := tagName(b[i:])
		if length < 0 {
			return at, false // the tag continues after b
		}
		switch name = strings.ToLower(name); {
		case name == "!doctype", name == "html":
			i += length
			at = i
		case at < 0:
			return -1, true
		case name == "head":
			return i + length, true
		default:
			return i, true
		}
	}
}

// scanXHTML does what scanHead does, but for XML, in which no tag may be missing: the script goes
// into <html>, and into its <head> if that comes next. A doctype with declarations of its own is
// not skipped, so a document that begins with one gets no script.
func scanXHTML(b []byte) (at int, whole bool) {
	at = -1
	i := skipMark(b)
	if i < 0 {
		return -1, false
	}
	for {
		i = skipBlank(b, i)
		if i < 0 || i >= len(b) {
			return at, false
		}
		if bytes.HasPrefix(b[i:], []byte("<?")) {
			end := bytes.Index(b[i:], []byte("?>"))
			if end < 0 {
				return at, false
			}
			i += end + len("?>")
			continue
		}
		name, length := tagName(b[i:])
		if length < 0 {
			return at, false
		}
		tag := b[i : i+length]
		empty := bytes.HasSuffix(tag, []byte("/>"))
		switch {
		case at >= 0 && name == "head" && !empty:
			return i + length, true
		case at >= 0:
			return at, true
		case name == "!DOCTYPE" && !bytes.ContainsRune(tag, '['):
			i += length
		case name == "html" && !empty:
			i += length
			at = i
		default:
			return -1, true
		}
	}
}

// skipMark returns the index after a byte order mark, or -1 if b ends within one.
func skipMark(b []byte) int {
	switch {
	case bytes.HasPrefix(b, utf8Mark):
		return len(utf8Mark)
	case bytes.HasPrefix(utf8Mark, b):
		return -1
	}
	return 0
}

// skipBlank returns the index after blanks and comments, or -1 if b ends within a comment.
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

// tagName returns the name of the tag with which b begins, and the length of
// the whole tag. The length is -1 if the tag does not end in b, and the name is
// "" if b does not begin with a tag.
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
			return inner, i + 1
		}
	}
	return "", -1
}
