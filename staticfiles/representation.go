package staticfiles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// representation is a file, or a compressed form of one, with its header fields
// ready to send: each response gets copies of the values.
type representation struct {
	id       identity
	name     string // in the source; "" if it was made here
	size     int64
	body     []byte // nil if it is read from the source for each request
	skips    bool   // a range is reached by reading the bytes before it
	tag      string // the entity tag, quoted; it is strong
	modified time.Time

	contentType, contentLength, etag, lastModified, cacheControl, vary, contentEncoding []string
	extra                                                                               http.Header

	// ranged is the last requested range.
	ranged atomic.Pointer[span]

	seal   seal
	opened opened
}

var (
	varyEncoding = []string{"Accept-Encoding"}
)

// build makes the resource for an open file, keeps it, and closes the file.
func (s *Shared) build(e *export, name, path string, f *file, fingerprinted bool) (*resource, error) {
	res := &resource{export: e, name: name, path: path}
	contentType := e.contentType(name)
	plain, err := s.represent(e, f, name)
	if err != nil {
		return nil, err
	}
	res.plain = plain
	control := e.CacheControl
	switch {
	case s.development || control == "" && !fingerprinted:
		control = "no-cache"
	case fingerprinted:
		control = immutable
	}
	weight := plain.weight()
	settled := !young(plain.modified)
	own := contentEncoding(name, contentType)
	res.codable = own == "" && (compressible(contentType) || contentType == octetStream)
	if res.codable {
		for c := range res.coded {
			if sibling := s.sibling(e, plain, c); sibling != nil {
				res.coded[c].sibling, res.vary = sibling, true
				weight += sibling.weight()
				settled = settled && !young(sibling.modified)
			} else if s.encodes(c, plain) && compressible(contentType) {
				res.vary = true
			}
		}
	}
	plain.ready(contentType, control, own, res.vary, e.Header)
	for c := range res.coded {
		if sibling := res.coded[c].sibling; sibling != nil {
			sibling.ready(contentType, control, codingNames[c], true, e.Header)
		}
	}
	res.checked.Store(now())
	if s.development || s.memory == 0 || !settled {
		return res, nil
	}
	path = strings.Clone(path)
	res.path = path
	return s.resources.put(path, res, weight+512, func(old *resource) bool {
		return old.export == e && old.plain.id == plain.id && old.name == name
	}), nil
}

// open opens the file of rep.
func (rep *representation) open(e *export) (*file, error) {
	f, err := e.open(rep.name)
	if err != nil {
		return nil, err
	}
	if f.id != rep.id {
		f.Close()
		return nil, errChanging
	}
	return f, nil
}

// young reports whether a file changed so recently that another change might
// have the same date, because the clocks of file systems are coarse.
func young(modified time.Time) bool {
	age := time.Since(modified)
	return age >= 0 && age < 50*time.Millisecond
}

// represent reads the metadata of f, and also its content if it is to be kept. It closes f.
func (s *Shared) represent(e *export, f *file, name string) (*representation, error) {
	defer f.Close()
	rep := &representation{id: f.id, name: name, size: f.info.Size(), tag: f.id.tag(), skips: !f.seeks()}
	if f.id.dated() {
		rep.modified = f.info.ModTime()
	}
	if rep.size <= s.maxFile {
		var err error
		if rep.body, err = f.content(); err != nil {
			return nil, err
		}
	}
	switch {
	case rep.tag != "":
	case rep.body != nil:
		rep.tag = contentTag(sha256.Sum256(rep.body))
	default:
		d, err := s.fingerprint(e, name)
		if err != nil {
			return nil, err
		}
		rep.tag = contentTag(d.sum)
	}
	return rep, nil
}

// contentTag returns the entity tag of a content with the given sum.
func contentTag(sum [sha256.Size]byte) string {
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// sibling returns the precompressed form of plain beside it, nil if there is none. A sibling that
// is older than the file belongs to an earlier version. An empty file is left by a compressor that
// failed; an empty form is not valid in any coding.
func (s *Shared) sibling(e *export, plain *representation, coding int) *representation {
	name := plain.name + codingSuffixes[coding]
	f, err := e.openShown(name)
	if err != nil {
		return nil
	}
	rep, err := s.represent(e, f, name)
	if err != nil || rep.size == 0 || !plain.modified.IsZero() && rep.modified.Before(plain.modified.Add(-2*time.Second)) {
		return nil
	}
	rep.tag = withSuffix(rep.tag, codingNames[coding])
	if rep.modified.Before(plain.modified) {
		rep.modified = plain.modified
	}
	return rep
}

// made returns a form of res that s compresses itself. It returns nil if that saves nothing, or if
// there is no room to keep it.
func (s *Shared) made(res *resource, coding int) *representation {
	m := &res.coded[coding].made
	m.once.Do(func() {
		body, err := s.encode(res, coding)
		if err != nil {
			s.log(context.Background()).Error("static files: a file is sent uncompressed", "path", res.path, "coding", codingNames[coding], "err", err)
			return
		}
		plain := res.plain
		if int64(len(body)) > plain.size*9/10 ||
			!s.resources.grow(res.path, func(v *resource) bool { return v == res }, int64(len(body))+768) {
			return
		}
		// Another release of the compressor may make other bytes from the same file.
		sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 16)
		rep := &representation{
			id: plain.id, size: int64(len(body)), body: body, modified: plain.modified,
			tag: withSuffix(plain.tag, codingNames[coding]+"-"+sum),
		}
		rep.ready(plain.contentType[0], plain.cacheControl[0], codingNames[coding], true, plain.extra)
		m.rep = rep
	})
	return m.rep
}

// encode returns the content of res in a coding.
func (s *Shared) encode(res *resource, coding int) ([]byte, error) {
	content := res.plain.body
	if content == nil {
		f, err := res.export.open(res.name)
		if err != nil {
			return nil, err
		}
		again, err := f.content()
		if err == nil && f.id != res.plain.id {
			err = errChanging
		}
		if err != nil {
			return nil, err
		}
		content = again
	}
	var b bytes.Buffer
	if err := s.encoders[coding].Encode(&b, content); err != nil {
		return nil, err
	}
	return bytes.Clone(b.Bytes()), nil
}

// encodes reports whether s can make a form of rep in this coding.
func (s *Shared) encodes(coding int, rep *representation) bool {
	return s.encoders[coding] != nil && s.memory > 0 && !s.development &&
		rep.size >= smallestEncoded && rep.size <= largestEncoded
}

func withSuffix(tag, suffix string) string {
	return strings.TrimSuffix(tag, `"`) + "-" + suffix + `"`
}

// weight is about how many bytes of memory rep needs.
func (rep *representation) weight() int64 { return int64(cap(rep.body)) + 768 }

// ready prepares the header fields.
func (rep *representation) ready(contentType, control, encoding string, vary bool, extra http.Header) {
	rep.contentType = []string{contentType}
	rep.contentLength = []string{strconv.FormatInt(rep.size, 10)}
	rep.etag = []string{rep.tag}
	rep.cacheControl = []string{control}
	// A date in the future is not valid for a change (RFC 9110, section 8.8.2.1).
	if !rep.modified.IsZero() && !rep.modified.After(time.Now()) {
		rep.lastModified = []string{rep.modified.UTC().Format(http.TimeFormat)}
	} else {
		rep.modified = time.Time{}
	}
	if encoding != "" {
		rep.contentEncoding = []string{encoding}
	}
	if vary {
		rep.vary = varyEncoding
	}
	rep.extra = extra
}
