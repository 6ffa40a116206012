package staticfiles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/zeugkit/zeug/wrappers"
)

// A fingerprinted name has the first digits of its content's SHA-256 before the extension:
// "style.3f9a1cd02b44.css". The file with such a name never changes, so a client never requests it
// again. The name changes with the content.
const fingerprintLen = 12

// immutable is the Cache-Control of fingerprinted names: a year, RFC 8246.
const immutable = "public, max-age=31536000, immutable"

func addFingerprint(name, sum string) string {
	ext := path.Ext(name)
	if path.Base(name) == ext {
		ext = "" // ".config" has no extension
	}
	return strings.TrimSuffix(name, ext) + "." + sum + ext
}

// cutFingerprint splits "style.3f9a1cd02b44.css"; it is the inverse of
// addFingerprint.
func cutFingerprint(name string) (plain, sum string, ok bool) {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if isFingerprint(ext) && (path.Ext(stem) == "" || path.Ext(stem) == path.Base(stem)) {
		return stem, ext[1:], stem != "" && !strings.HasSuffix(stem, "/")
	}
	mark := path.Ext(stem)
	if ext == "" || !isFingerprint(mark) {
		return "", "", false
	}
	stem = strings.TrimSuffix(stem, mark)
	return stem + ext, mark[1:], stem != "" && !strings.HasSuffix(stem, "/")
}

// isFingerprint reports whether ext is a dot and a fingerprint.
func isFingerprint(ext string) bool {
	if len(ext) != fingerprintLen+1 {
		return false
	}
	for i := 1; i < len(ext); i++ {
		if c := ext[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func sumOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = copyBuffered(h, r)
	h.Sum(sum[:0])
	return sum, err
}

// digest is what is known about a content.
type digest struct {
	id      identity
	sum     [sha256.Size]byte
	mark    string // the fingerprint: the first digits of sum
	checked atomic.Int64
}

// fingerprint returns the digest of a file. It is taken from memory while the file is unchanged.
func (s *Shared) fingerprint(e *export, name string) (*digest, error) {
	key := strconv.Itoa(e.number) + "/" + name
	known, ok := s.digests.get(key)
	if ok && s.fresh(known.id, &known.checked) {
		return known, nil
	}
	f, err := e.openShown(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if ok && f.id == known.id {
		return known, nil
	}
	sum, err := sumOf(f)
	if err != nil {
		return nil, err
	}
	if !f.unchanged() {
		return nil, fmt.Errorf("%q: %w", name, errChanging)
	}
	d := &digest{id: f.id, sum: sum, mark: hex.EncodeToString(sum[:fingerprintLen/2])}
	d.checked.Store(now())
	if !young(f.info.ModTime()) {
		s.digests.put(key, d, 160, func(*digest) bool { return false })
	}
	return d, nil
}

// URL returns the URL of a file below the middleware's mount, fingerprinted:
// URL("css/style.css") is "/static/css/style.3f9a1cd02b44.css". The name is
// searched below each export in order. A name that starts with a slash is a
// whole path, "/static/css/style.css", which distinguishes exports with files
// of the same name. If the file does not exist, it returns the plain URL that
// the file would have, and logs that; [Shared.StaticURL] returns an error. In
// development it returns plain URLs.
func (s *Shared) URL(name string) string {
	u, err := s.lookup(name)
	if err != nil {
		s.log(context.Background()).Error("static files: a URL leads nowhere", "name", name, "err", err)
		return s.plainURL(name)
	}
	return u
}

// URLFor returns URL(name) after the root path under which r came through the
// middleware. This also works in an application that is itself mounted below
// that path. If a request never came through the middleware, it uses the
// request's own [gateway.RootPath].
func (s *Shared) URLFor(r *http.Request, name string) string {
	return s.mounts.of(r) + s.URL(name)
}

// StaticURL is like URLFor, but returns an error if no export has or shows the file: it wraps
// [fs.ErrNotExist] and names the exports that were searched. Use it as templates.Options.StaticURL,
// for {{ static_url("style.css") }}.
func (s *Shared) StaticURL(req *wrappers.Request, name string) (string, error) {
	u, err := s.lookup(name)
	if err != nil {
		return "", err
	}
	return s.mounts.of(req.Request) + u, nil
}

// lookup is like URL, but returns an error if no export has or shows the file.
func (s *Shared) lookup(name string) (string, error) {
	var asked []string
	for _, e := range s.exports {
		below, ok := e.below(name)
		if !ok {
			continue
		}
		asked = append(asked, e.where())
		if !e.shows(below) {
			continue
		}
		if s.development {
			if info, err := e.statShown(below); err == nil && info.Mode().IsRegular() {
				return e.url(below, ""), nil
			}
			continue
		}
		d, err := s.fingerprint(e, below)
		if err == nil {
			return e.url(below, d.mark), nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNotRegular) {
			return "", fmt.Errorf("static file %q: %w", name, err)
		}
	}
	if asked == nil {
		return "", fmt.Errorf("static file %q: no export has such names: %w", name, fs.ErrNotExist)
	}
	return "", fmt.Errorf("static file %q: not in %s: %w", name, strings.Join(asked, ", "), fs.ErrNotExist)
}

func (s *Shared) plainURL(name string) string {
	if strings.HasPrefix(name, "/") {
		return escapePath(name)
	}
	for _, e := range s.exports {
		if e.single == "" {
			return e.url(name, "")
		}
	}
	return escapePath("/" + name)
}

// below returns the name in the export for a name in a template.
func (e *export) below(name string) (string, bool) {
	switch {
	case strings.HasPrefix(name, "/"):
		if e.single != "" && name != e.prefix {
			return "", false
		}
		below, ok := e.match(name)
		return below, ok && below != ""
	case e.single != "":
		return e.single, name == e.single
	}
	return name, true
}

func (e *export) where() string {
	if e.single != "" {
		return fmt.Sprintf("%q (%s)", e.prefix, e.File)
	}
	place := e.Dir
	if e.Zip != "" {
		place = strings.TrimSuffix(e.Zip+":"+e.Dir, ":")
	} else if e.FS != nil {
		place = strings.TrimSuffix("FS:"+e.Dir, ":")
	}
	return fmt.Sprintf("%q (%s)", e.prefix+"/", place)
}

func (e *export) url(name, sum string) string { return escapePath(e.path(name, sum)) }

// path is the decoded path of a file's URL; sum is its fingerprint or "".
func (e *export) path(name, sum string) string {
	p := e.prefix + "/" + name
	if e.single != "" {
		p = e.prefix
	}
	if sum != "" {
		p = addFingerprint(p, sum)
	}
	return p
}

func escapePath(p string) string { return (&url.URL{Path: p}).EscapedPath() }
