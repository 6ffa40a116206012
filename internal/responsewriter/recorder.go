package responsewriter

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Recorder remembers the response's status and size.
type Recorder struct {
	Forward
	Shape
	// Status is the status code of the header that was sent, 0 if none was.
	// Informational responses do not count, but a switch of protocols does.
	Status int
	// Bytes is how many bytes of the body the handler wrote.
	Bytes int64
	// Hijacked says that the handler took the connection; its real status may then differ from
	// Status.
	Hijacked bool
}

// Record returns a writer for the handler in place of w, and its Recorder. If w is already the
// writer of a recorder, it returns that one.
func Record(w http.ResponseWriter) (http.ResponseWriter, *Recorder) { return RecordIn(nil, w) }

// RecordIn is like [Record] with a Recorder that is part of a larger struct, which saves an
// allocation. The given Recorder is not used if w is a recorder's writer; if it is nil, one is
// allocated.
func RecordIn(rec *Recorder, w http.ResponseWriter) (http.ResponseWriter, *Recorder) {
	if c, ok := w.(Core); ok {
		if rec := c.recorder(); rec != nil {
			return w, rec
		}
	}
	if rec == nil {
		rec = new(Recorder)
	}
	rec.Forward = Forward{w}
	return rec.Like(rec, w), rec
}

// Sent is the status that the client gets if the handler returns now: if the
// handler wrote nothing, that is 200.
func (rec *Recorder) Sent() int {
	if rec.Status == 0 {
		return http.StatusOK
	}
	return rec.Status
}

// Written reports whether a part of the response has been sent, so that another
// one cannot replace it.
func (rec *Recorder) Written() bool { return rec.Status != 0 || rec.Hijacked }

func (rec *Recorder) recorder() *Recorder { return rec }

// WriteHeader records the first status that is final.
func (rec *Recorder) WriteHeader(status int) {
	rec.ResponseWriter.WriteHeader(status)
	if status >= 200 || status == http.StatusSwitchingProtocols {
		rec.began(status)
	}
}

func (rec *Recorder) began(status int) {
	if rec.Status == 0 {
		rec.Status = status
	}
}

// Write records the size.
func (rec *Recorder) Write(p []byte) (int, error) {
	rec.began(http.StatusOK)
	n, err := rec.ResponseWriter.Write(p)
	rec.Bytes += int64(n)
	return n, err
}

// WriteString records the size.
func (rec *Recorder) WriteString(s string) (int, error) {
	rec.began(http.StatusOK)
	n, err := rec.Forward.WriteString(s)
	rec.Bytes += int64(n)
	return n, err
}

// ReadFrom records the size. If the reader fails at once, another response can
// still be sent.
func (rec *Recorder) ReadFrom(r io.Reader) (n int64, err error) {
	returned := false
	defer func() {
		if n > 0 || !returned {
			rec.began(http.StatusOK)
		}
		rec.Bytes += n
	}()
	n, err = rec.Forward.ReadFrom(r)
	returned = true
	return n, err
}

// FlushError sends at least the header.
func (rec *Recorder) FlushError() error {
	err := rec.Forward.FlushError()
	if err == nil {
		rec.began(http.StatusOK)
	}
	return err
}

// Hijack records that the handler has taken over the connection.
func (rec *Recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buf, err := rec.Forward.Hijack()
	rec.Hijacked = rec.Hijacked || err == nil
	return c, buf, err
}
