package staticfiles

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/zeugkit/zeug/httperror"
)

// answer sends res. The common requests, those of a whole file and those of a
// client that has it, cost a few map entries.
func (s *Shared) answer(w http.ResponseWriter, r *http.Request, res *resource) {
	rep := res.plain
	if res.vary {
		rep = s.negotiate(r, res)
	}
	h := w.Header()
	tags, conditional := r.Header["If-None-Match"]
	if conditional && len(tags) == 1 && tags[0] == rep.tag {
		rep.notModified(w, h)
		return
	}
	if rep.body == nil || conditional || asksMore(r.Header) {
		s.answerAtLength(w, r, res, rep)
		return
	}
	rep.setHeader(h)
	h["Content-Length"] = rep.contentLength
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Write(rep.body)
}

// setHeader sets the fields that every answer has.
func (rep *representation) setHeader(h http.Header) {
	if rep.lastModified != nil {
		h["Last-Modified"] = rep.lastModified
	}
	h["Content-Type"] = rep.contentType
	h["Etag"] = rep.etag
	h["Cache-Control"] = rep.cacheControl
	h["X-Content-Type-Options"] = nosniff
	if rep.contentEncoding != nil {
		h["Content-Encoding"] = rep.contentEncoding
	} else {
		h["Accept-Ranges"] = acceptBytes
	}
	if rep.vary != nil {
		addVary(h, rep.vary)
	}
	for name, values := range rep.extra {
		if name == "Vary" {
			addVary(h, values)
		} else {
			h[name] = values
		}
	}
}

func addVary(h http.Header, values []string) {
	if have := h["Vary"]; len(have) > 0 {
		values = append(have[:len(have):len(have)], values...)
	}
	h["Vary"] = values
}

// notModified answers 304 with the fields that RFC 9110, section 15.4.5, wants:
// the tag is enough of a validator.
func (rep *representation) notModified(w http.ResponseWriter, h http.Header) {
	h["Etag"] = rep.etag
	h["Cache-Control"] = rep.cacheControl
	if rep.vary != nil {
		addVary(h, rep.vary)
	}
	for name, values := range rep.extra {
		if name == "Vary" {
			addVary(h, values)
		}
	}
	w.WriteHeader(http.StatusNotModified)
}

// asksMore reports whether the request has conditions or a range.
func asksMore(h http.Header) bool {
	for _, name := range [...]string{"Range", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}

func (s *Shared) answerAtLength(w http.ResponseWriter, r *http.Request, res *resource, rep *representation) {
	rep.setHeader(w.Header())
	if rep.body != nil {
		http.ServeContent(w, r, "", rep.modified, bytes.NewReader(rep.body))
		return
	}
	f, err := res.export.open(rep.name)
	if err == nil && f.id != rep.id {
		f.Close()
		err = errChanging
	}
	if err != nil {
		httperror.Respond(w, r, fmt.Errorf("static file: %w", err))
		return
	}
	defer f.Close()
	content, _ := f.File.(io.ReadSeeker)
	http.ServeContent(w, r, "", rep.modified, content)
}

const copyBuffer = 64 << 10

// copyBuffers are for what goes by no shorter way.
var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

type rangeFields struct{}
