package corefile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A core has the memory of a process, and does not say why it was written. A record at its end says it, as
// JSON that ends with the length of the JSON and a mark:
//
//	| the core | {"time":…,"goroutine":34,…} | 8 bytes: the length | 8 bytes: "zeugcore" |
//
// Readers of cores do not look behind the memory. A file that was cut short has no record.

// Record is what a core does not say of a request that failed.
type Record struct {
	Time time.Time `json:"time"`
	// Program is the path of the executable, and Build what [BuildOf] returned for it.
	Program string `json:"program"`
	Build   string `json:"build"`
	// Machine is the name of the host, and PID is the process ID.
	Machine string `json:"machine"`
	PID     int    `json:"pid"`
	// Goroutine is the id of the goroutine that panicked, and Stack is its stack as the runtime
	// prints it.
	Goroutine int64  `json:"goroutine"`
	Stack     string `json:"stack"`
	// Message is the value of the panic as text, and Type is its type.
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Request Request `json:"request"`
	// Log has the log records of the request, the oldest first, as slog's text.
	Log []string `json:"log,omitempty"`
	// Collected says that the garbage collector has run between the panic and the end of the
	// core.
	Collected bool `json:"collected,omitempty"`
}

// Request is the request that failed, as the client sent it.
type Request struct {
	Method string `json:"method"`
	// Target is the path below RootPath, with the query.
	Target   string `json:"target"`
	Protocol string `json:"protocol"`
	// Scheme, Host, RootPath and Client are those of the request's origin.
	Scheme   string              `json:"scheme"`
	Host     string              `json:"host"`
	RootPath string              `json:"rootPath,omitempty"`
	Client   string              `json:"client"`
	Header   map[string][]string `json:"header"`
	// Rule is the rule that matched, "" if that is not known, and ID is the id of the request.
	Rule string `json:"rule,omitempty"`
	ID   string `json:"id,omitempty"`
}

const (
	mark    = "zeugcore"
	tailing = 8 + len(mark)
	// maxRecord bounds a record that is read, in bytes.
	maxRecord = 16 << 20
)

// ErrNoRecord says that a file has no [Record].
var ErrNoRecord = errors.New("the file is not a core that middleware/postmortem wrote, or it was cut short")

// Write appends the record to a core.
func (r Record) Write(core io.Writer) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record of a core: %w", err)
	}
	tail := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), mark...)
	if _, err := core.Write(append(text, tail...)); err != nil {
		return fmt.Errorf("write the record of a core: %w", err)
	}
	return nil
}

// ReadRecord returns the record at the end of a core. Its error is [ErrNoRecord] if there is none.
func ReadRecord(core string) (r Record, err error) {
	f, err := os.Open(core)
	if err != nil {
		return r, fmt.Errorf("read core: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r, fmt.Errorf("read core: %w", err)
	}
	var tail [tailing]byte
	end := info.Size() - int64(len(tail))
	if _, err := f.ReadAt(tail[:], max(end, 0)); err != nil || !bytes.Equal(tail[8:], []byte(mark)) {
		return r, fmt.Errorf("read %s: %w", core, ErrNoRecord)
	}
	size := binary.LittleEndian.Uint64(tail[:])
	if size > maxRecord || int64(size) > end {
		return r, fmt.Errorf("read %s: %w", core, ErrNoRecord)
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, end-int64(size)); err != nil {
		return r, fmt.Errorf("read core: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read the record of %s: %w", core, err)
	}
	return r, nil
}
