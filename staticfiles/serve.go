package staticfiles

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/fieldvalues"
	"github.com/zeugkit/zeug/wrappers"
)

// answer sends res. The common requests are those for a whole file, for a range, and for a file
// that the client already has. They cost some map lookups; all others use a [wrappers.Response].
// The error is errChanging, or the error of opening the file, and then nothing was sent.
func (s *Shared) answer(w http.ResponseWriter, r *http.Request, res *resource) error {
	rep := res.plain
	if res.vary {
		rep = s.negotiate(r, res)
	}
	switch verdict := rep.verdict(r); verdict {
	case http.StatusNotModified:
		rep.notModified(w)
		return nil
	case http.StatusPreconditionFailed:
		httperror.Respond(w, r, httperror.PreconditionFailed)
		return nil
	}
	part := partOf(r, rep)
	status, start, length := http.StatusOK, int64(0), rep.size
	if part != nil {
		status, start, length = http.StatusPartialContent, part.Start, part.Stop-part.Start
	}
	var f *file
	var short []byte
	switch {
	case rep.body != nil || r.Method == http.MethodHead:
	case part != &byResponse && length <= tail:
		buf := copyBuffers.Get().(*[copyBuffer]byte)
		defer copyBuffers.Put(buf)
		short = buf[:length]
		if err := s.readPart(res.export, rep, short, start); err != nil {
			return err
		}
	default:
		var err error
		if f, err = rep.open(res.export); err != nil {
			return err
		}
		defer f.Close()
	}
	if part == &byResponse {
		rep.response(f).ServeHTTP(w, r)
		return nil
	}
	h := w.Header()
	var own fieldvalues.Values
	rep.setHeader(h, &own)
	if part == nil {
		h["Content-Length"] = own.Copy(rep.contentLength)
		if rep.contentEncoding == nil && !rep.costly() {
			h["Accept-Ranges"] = own.One("bytes")
		}
	} else {
		h["Content-Length"] = own.Copy(part.contentLength)
		h["Content-Range"] = own.Copy(part.contentRange)
	}
	w.WriteHeader(status)
	switch {
	case r.Method == http.MethodHead || length == 0:
	case short != nil:
		w.Write(short)
	case f == nil:
		s.writeKept(w, r, res, rep, start, length)
	default:
		if err := f.send(w, start, length); err != nil {
			abort(s.log(r.Context()), r, err)
		}
	}
	return nil
}

// abort breaks off the connection, so that the client does not mistake its bytes for the whole
// file. If the client has gone, nothing is logged.
func abort(logger *slog.Logger, r *http.Request, err error) {
	var path *fs.PathError
	if errors.Is(err, errChanging) || errors.Is(err, errUnreadable) || errors.As(err, &path) {
		logger.ErrorContext(r.Context(), "static file cut short", "path", r.URL.Path, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// verdict evaluates the request's conditions: 200, 304 or 412.
func (rep *representation) verdict(r *http.Request) int {
	h := r.Header
	none, asked := h["If-None-Match"]
	since, dated := h["If-Modified-Since"]
	_, match := h["If-Match"]
	_, unmodified := h["If-Unmodified-Since"]
	if !asked && !dated && !match && !unmodified {
		return http.StatusOK
	}
	if !match && !unmodified {
		if asked {
			if len(none) == 1 {
				if tag, ok := singleTag(none[0]); ok && tag == rep.tag {
					return http.StatusNotModified
				} else if ok {
					return http.StatusOK
				}
			}
		} else if rep.lastModified != nil && len(since) == 1 && since[0] == rep.lastModified[0] {
			return http.StatusNotModified
		}
	}
	tag, _ := datastructures.ParseETag(rep.tag)
	state := datastructures.State{ETag: tag, Modified: rep.modified}
	if status := datastructures.ParsePreconditions(h).Evaluate(r.Method, state); status != 0 {
		return status
	}
	return http.StatusOK
}

// singleTag returns the only entity tag of a field, without the mark of a weak tag, which the
// comparison for If-None-Match ignores.
func singleTag(field string) (tag string, ok bool) {
	tag = strings.TrimPrefix(field, "W/")
	if len(tag) < 2 || tag[0] != '"' {
		return "", false
	}
	return tag, strings.IndexByte(tag[1:], '"') == len(tag)-2
}

// notModified answers with 304. It sends the fields that RFC 9110, section
// 15.4.5, requires, where the tag is a sufficient validator, and the fields of
// the export that do not describe the content.
func (rep *representation) notModified(w http.ResponseWriter) {
	h := w.Header()
	own := new(fieldvalues.Values)
	h["Etag"] = own.Copy(rep.etag)
	h["Cache-Control"] = own.Copy(rep.cacheControl)
	if rep.vary != nil {
		addVary(h, rep.vary, own)
	}
	for name, values := range rep.extra {
		switch name {
		case "Vary":
			addVary(h, values, own)
		case "Content-Language", "Content-Md5":
		default:
			h[name] = own.Copy(values)
		}
	}
	w.WriteHeader(http.StatusNotModified)
}

// setHeader sets the fields that every response with a content has. With the
// two or three fields that follow there are at most eight: with more, the map
// would have to grow.
func (rep *representation) setHeader(h http.Header, own *fieldvalues.Values) {
	h["Content-Type"] = own.Copy(rep.contentType)
	h["Etag"] = own.Copy(rep.etag)
	h["Cache-Control"] = own.Copy(rep.cacheControl)
	h["X-Content-Type-Options"] = own.One("nosniff")
	if rep.lastModified != nil {
		h["Last-Modified"] = own.Copy(rep.lastModified)
	}
	if rep.contentEncoding != nil {
		h["Content-Encoding"] = own.Copy(rep.contentEncoding)
	}
	if rep.vary != nil {
		addVary(h, rep.vary, own)
	}
	for name, values := range rep.extra {
		if name == "Vary" {
			addVary(h, values, own)
		} else {
			h[name] = own.Copy(values)
		}
	}
}

func addVary(h http.Header, values []string, own *fieldvalues.Values) {
	have := h["Vary"]
	if len(have) == 0 {
		h["Vary"] = own.Copy(values)
		return
	}
	h["Vary"] = append(have[:len(have):len(have)], values...)
}

// span is a range of a representation with its fields ready to send.
type span struct {
	header string // the Range field that requests it
	datastructures.Span
	contentLength, contentRange []string
}

// byResponse stands for ranges that a wrappers.Response serves or refuses.
var byResponse span

// partOf returns the one range of rep that the request asks for, or nil for the
// whole file.
func partOf(r *http.Request, rep *representation) *span {
	ranges := r.Header["Range"]
	if len(ranges) == 0 || r.Method != http.MethodGet {
		return nil
	}
	if rep.costly() {
		return rep.nearRange(r)
	}
	if len(ranges) > 1 {
		return &byResponse
	}
	if same := r.Header["If-Range"]; len(same) > 1 || len(same) == 1 && same[0] != rep.tag && (rep.lastModified == nil || same[0] != rep.lastModified[0]) {
		return &byResponse
	}
	header := ranges[0]
	// Players and download managers request the same few ranges of a file.
	if last := rep.ranged.Load(); last != nil && last.header == header {
		return last
	}
	asked, ok := datastructures.ParseRange(header)
	if !ok || asked.Unit != "bytes" {
		return &byResponse
	}
	part, ok := single(asked, rep.size)
	if !ok {
		return &byResponse
	}
	p := newSpan(header, part, rep.size)
	if len(header) < 64 {
		rep.ranged.Store(p)
	}
	return p
}

// costly reports whether a range may cost much more than its length. In that case few ranges are
// served, and none are offered.
func (rep *representation) costly() bool { return rep.skips && rep.body == nil && rep.size > maxSkip }

// nearRange does what partOf does, for a representation whose ranges are
// costly: it returns a single range near the beginning, or nil for the whole
// file (RFC 9110, section 14.2).
func (rep *representation) nearRange(r *http.Request) *span {
	ranges := r.Header["Range"]
	if len(ranges) > 1 || r.Header["If-Range"] != nil {
		return nil
	}
	asked, ok := datastructures.ParseRange(ranges[0])
	if !ok || asked.Unit != "bytes" {
		return nil
	}
	part, ok := single(asked, rep.size)
	if !ok || part.Start > maxSkip {
		return nil
	}
	return newSpan(ranges[0], part, rep.size)
}

// single returns the part of a content of length bytes, if exactly one was requested.
func single(asked datastructures.Range, length int64) (datastructures.Span, bool) {
	if len(asked.Specs) == 1 {
		if spans := asked.Spans(length); len(spans) == 1 {
			return spans[0], true
		}
	}
	return datastructures.Span{}, false
}

func newSpan(header string, part datastructures.Span, size int64) *span {
	return &span{
		header: strings.Clone(header), Span: part,
		contentLength: []string{strconv.FormatInt(part.Stop-part.Start, 10)},
		contentRange:  []string{datastructures.ContentRange{Unit: "bytes", Span: part, Length: size}.String()},
	}
}

// response returns rep as a Response; f is nil if rep is in memory.
func (rep *representation) response(f *file) *wrappers.Response {
	var resp *wrappers.Response
	if f != nil {
		resp = wrappers.Reader(rep.contentType[0], f)
		resp.SetSize(rep.size)
	} else {
		resp = wrappers.NewResponse(rep.contentType[0], rep.body)
	}
	var own fieldvalues.Values
	rep.setHeader(resp.Header(), &own)
	return resp.MakeConditional()
}
