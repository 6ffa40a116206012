package compress

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// block is how many bytes of a response are compressed at a time. A client gets
// the first output after at most that much input.
const block = 64 << 10

// writer keeps what a handler writes until it knows whether the response is short:
//
//	handler returns before a block is full   the whole is compressed, with a Content-Length
//	a block is full, or Streams and a flush  the answer is long: it goes out block by block
//
// Between two blocks a long response holds little memory, because its client
// may read slowly or not at all.
type writer struct {
	responsewriter.Forward
	responsewriter.Shape
	settings *Compress
	types    *typeSet
	request  *http.Request
	coding   string // the client's choice, "" for none

	status   int   // 0 until the handler set one
	declared int64 // the handler's Content-Length, -1 if it set none
	written  int64 // by the handler
	kept     *[]byte
	decided  bool
	long     coder // nil while the response is short or is sent uncompressed
}

var blocks = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// recycle returns a buffer to the pool. A buffer larger than two blocks is left to the garbage
// collector.
func recycle(b *[]byte) {
	if cap(*b) <= 2*block {
		*b = (*b)[:0]
		blocks.Put(b)
	}
}

func (w *writer) head() bool { return w.request.Method == http.MethodHead }

func (w *writer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols || w.decided {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	if n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.declared = n
	}
	if !w.may() {
		w.begin(false, "")
	}
}

// may reports whether the header allows for compressing at all.
func (w *writer) may() bool {
	h := w.Header()
	switch {
	case w.status == http.StatusNoContent, w.status == http.StatusNotModified, w.status == http.StatusPartialContent,
		w.status == http.StatusSwitchingProtocols:
		return false
	case h.Get("Content-Encoding") != "", h.Get("Content-Range") != "":
		return false
	case strings.Contains(strings.ToLower(h.Get("Cache-Control")), "no-transform"):
		return false
	case w.declared >= 0 && w.declared < int64(w.settings.MinSize):
		return false
	}
	t := h.Get("Content-Type")
	return t == "" || w.types.has(t)
}

// compressible completes the Content-Type, and reports whether a response that
// begins with body may be compressed.
func (w *writer) compressible(body []byte) bool {
	h := w.Header()
	if _, set := h["Content-Type"]; !set && len(body) > 0 {
		// net/http cannot detect these header fields from compressed bytes.
		h["Content-Type"] = []string{http.DetectContentType(body)}
	}
	return w.may() && w.types.has(h.Get("Content-Type"))
}

// begin sends the header of a response in this coding, "" for none. varies
// tells whether clients may get the response in different codings.
func (w *writer) begin(varies bool, coding string) {
	w.decided = true
	if w.status == 0 {
		w.status = http.StatusOK
	}
	h := w.Header()
	if varies || w.partOfVaried() {
		addVary(h)
	}
	switch {
	case coding != "":
		h["Content-Encoding"] = []string{coding}
		delete(h, "Accept-Ranges")
		weaken(h)
	case w.status == http.StatusNotModified && w.coding != "" && hasWeakened(w.request.Header["If-None-Match"], h.Get("Etag")):
		// The client has the compressed response, whose tag was weakened.
		weaken(h)
	}
	// The handler may have set its trailers by now.
	trailers := http.Header{}
	for _, name := range announced(h) {
		if values, set := h[name]; set {
			trailers[name] = values
			delete(h, name)
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
	maps.Copy(h, trailers)
}

// announced returns the names in the field Trailer.
func announced(h http.Header) (names []string) {
	for _, line := range h["Trailer"] {
		for name := range httplex.Items(line) {
			names = append(names, http.CanonicalHeaderKey(name))
		}
	}
	return names
}

// hasTrailers reports whether something follows the body. A body with a
// Content-Length has no trailers in HTTP/1.
func hasTrailers(h http.Header) bool {
	if h["Trailer"] != nil {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// partOfVaried reports whether the response is a 304, or a 206 of a media type that is compressed.
// It must then have the same Vary (RFC 9110, sections 15.3.7 and 15.4.5).
func (w *writer) partOfVaried() bool {
	t := w.Header().Get("Content-Type")
	switch w.status {
	case http.StatusNotModified:
		return true
	case http.StatusPartialContent:
		return w.types.has(t) || strings.HasPrefix(strings.ToLower(t), "multipart/byteranges")
	}
	return false
}

// addVary adds Accept-Encoding to the fields on which the response depends.
func addVary(h http.Header) {
	set := datastructures.ParseHeaderSet(strings.Join(h["Vary"], ","))
	if set.Has("*") || set.Has("Accept-Encoding") {
		return
	}
	set.Add("Accept-Encoding")
	h["Vary"] = []string{set.String()}
}

// weaken changes the fields that describe the exact bytes of the response. The bytes differ, but
// their meaning is the same (RFC 9110, section 8.8.3). Digests describe the bytes before
// compression (RFC 9530), in whatever field they are.
func weaken(h http.Header) {
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		h["Etag"] = []string{"W/" + tag}
	}
	dropDigests(h)
	trailers := announced(h)
	left := slices.DeleteFunc(slices.Clone(trailers), func(name string) bool { return slices.Contains(digests[:], name) })
	switch {
	case len(left) == len(trailers):
	case len(left) == 0:
		delete(h, "Trailer")
	default:
		h["Trailer"] = []string{strings.Join(left, ", ")}
	}
}

// hasWeakened reports whether the If-None-Match of a request has a tag that
// weaken made.
func hasWeakened(match []string, tag string) bool {
	strong, ok := datastructures.ParseETag(tag)
	return ok && !strong.Weak && slices.Contains(datastructures.ParseETags(strings.Join(match, ",")).Tags, datastructures.ETag{Value: strong.Value, Weak: true})
}

// withStrongTags returns a copy of r in which If-Match has the tags as they were before weaken. A
// weak tag there would never match (RFC 9110, section 13.1.1), and a client that edits a compressed
// response could not send it back.
func withStrongTags(r *http.Request, match []string) *http.Request {
	var tags []datastructures.ETag
	for _, tag := range datastructures.ParseETags(strings.Join(match, ",")).Tags {
		tags = append(tags, datastructures.ETag{Value: tag.Value})
	}
	copied := *r
	if tags != nil { // "*" has none
		copied.Header = r.Header.Clone()
		copied.Header["If-Match"] = []string{datastructures.ETags{Tags: tags}.String()}
	}
	return &copied
}

// digests are the fields that have a checksum of the body.
var digests = [...]string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"}

func dropDigests(h http.Header) {
	for _, name := range digests {
		delete(h, name)
		delete(h, http.TrailerPrefix+name)
	}
}

func (w *writer) Write(p []byte) (int, error) {
	if done, err, ok := receive(w, p); ok {
		return done, err
	}
	return w.send(p)
}

func (w *writer) WriteString(s string) (int, error) {
	if done, err, ok := receive(w, s); ok {
		return done, err
	}
	return w.sendString(s)
}

// receive keeps p if the response has not begun; if it reports false, the
// caller has to send p.
func receive[T []byte | string](w *writer, p T) (done int, err error, ok bool) {
	if w.status == 0 && !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	if w.decided && w.long == nil {
		return 0, nil, false
	}
	if w.declared >= 0 && w.written+int64(len(p)) > w.declared {
		return 0, http.ErrContentLength, true // as net/http answers
	}
	w.written += int64(len(p))
	if w.long != nil {
		return 0, nil, false
	}
	if w.kept == nil {
		w.kept = blocks.Get().(*[]byte)
	}
	n := min(len(p), w.room()-len(*w.kept))
	*w.kept = append(*w.kept, p[:n]...)
	if len(*w.kept) < w.room() {
		return n, nil, true
	}
	if err := w.release(true); err != nil || n == len(p) {
		return n, err, true
	}
	switch rest := any(p[n:]).(type) {
	case []byte:
		done, err = w.send(rest)
	case string:
		done, err = w.sendString(rest)
	}
	return n + done, err, true
}

// room is how many bytes are kept before the response counts as long.
func (w *writer) room() int {
	if w.coding == "" {
		return w.settings.MinSize
	}
	return max(w.settings.MinSize, block)
}

// send writes more of a response that has begun.
func (w *writer) send(p []byte) (int, error) {
	if w.long != nil {
		return w.long.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

func (w *writer) sendString(s string) (done int, err error) {
	if w.long == nil {
		return w.Forward.WriteString(s)
	}
	// A long string is copied one block at a time.
	for done < len(s) && err == nil {
		var n int
		n, err = w.long.Write([]byte(s[done:min(len(s), done+block)]))
		done += n
	}
	return done, err
}

// release sends the header of a response of unknown length, and the bytes kept so far. compress
// says whether it may be compressed.
func (w *writer) release(compress bool) error {
	if w.decided {
		return nil
	}
	var body []byte
	if kept := w.kept; kept != nil {
		w.kept, body = nil, *kept
		defer recycle(kept)
	}
	varies := w.compressible(body) && compress
	coding := ""
	if varies {
		if coding, w.long = w.settings.coder(w.coding, w.request, w.ResponseWriter); coding != "" {
			delete(w.Header(), "Content-Length")
		}
	}
	w.begin(varies, coding)
	if len(body) == 0 {
		return nil
	}
	_, err := w.send(body)
	return err
}

// ReadFrom sends a file unchanged by sendfile, if it is not compressed.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.decided && w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.decided && w.long == nil {
		return w.Forward.ReadFrom(r)
	}
	return io.Copy(writeOnly{w}, r)
}

// writeOnly hides ReadFrom.
type writeOnly struct{ io.Writer }

// FlushError sends the bytes that it has. If a response flushes before it has
// enough bytes to decide, it is a stream.
func (w *writer) FlushError() error {
	if err := w.release(w.settings.Streams); err != nil {
		return err
	}
	if w.long != nil {
		if err := w.long.Flush(); err != nil {
			return err
		}
	}
	return w.Forward.FlushError()
}

// Hijack hands over the connection, without sending any of the response.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.Forward.Hijack()
	if err == nil {
		w.decided = true
	}
	return conn, rw, err
}

// close ends the response after its handler. A response that is shorter than
// its Content-Length is cut, so that no client mistakes it for the whole.
func (w *writer) close() {
	if !w.decided {
		w.closeShort()
		return
	}
	if w.long == nil {
		return
	}
	if w.declared >= 0 && w.written != w.declared && !w.head() {
		w.long.abandon()
		panic(http.ErrAbortHandler)
	}
	dropDigests(w.Header()) // trailers that were not announced
	// The client may have gone.
	_ = w.long.Close()
}

// closeShort sends a response that was kept as a whole.
func (w *writer) closeShort() {
	if w.status == 0 {
		if !w.head() {
			return // net/http sends an empty 200
		}
		if w.WriteHeader(http.StatusOK); w.decided {
			return
		}
	}
	if w.kept == nil {
		w.closeEmpty()
		return
	}
	kept := w.kept
	w.kept = nil
	defer recycle(kept)
	body, coding := *kept, ""
	varies := w.compressible(body) && len(body) >= w.settings.MinSize
	// net/http cuts the connection of a response that is shorter than its Content-Length.
	if varies && w.coding != "" && (w.declared < 0 || w.declared == w.written) {
		coding = w.coding
		out := blocks.Get().(*[]byte)
		defer recycle(out)
		*out = encode(coding, (*out)[:0], body)
		body = *out
		delete(w.Header(), "Content-Length")
	}
	if coding != "" && !hasTrailers(w.Header()) {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.begin(varies, coding)
	// The client may have gone.
	_, _ = w.ResponseWriter.Write(body)
}

// closeEmpty sends a response without a body. The header of a response to HEAD must be that of a
// GET (RFC 9110, section 8.6). Only the length of the body is known, or not even that.
func (w *writer) closeEmpty() {
	varies, coding := w.head() && w.compressible(nil), ""
	if varies && w.declared >= 0 && w.coding != "" {
		coding = w.coding
		delete(w.Header(), "Content-Length")
	}
	w.begin(varies, coding)
}
