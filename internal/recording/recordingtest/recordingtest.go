// Package recordingtest has a recorder for tests of the marks on the time line of a request.
package recordingtest

import (
	"context"
	"slices"
	"sync"

	"github.com/zeugkit/zeug/internal/recording"
)

// Recorder collects the marks.
type Recorder struct {
	mu    sync.Mutex
	marks []string
	ended []bool
}

// New returns a recorder, and a context for requests that it records.
func New(ctx context.Context) (context.Context, *Recorder) {
	recording.Enable()
	r := &Recorder{}
	return context.WithValue(ctx, recording.Key{}, r), r
}

// Marks returns the marks that have ended, "kind name", in the order of their beginnings. It then
// forgets them.
func (r *Recorder) Marks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []string{}
	for i, mark := range r.marks {
		if r.ended[i] {
			list = append(list, mark)
		}
	}
	r.marks, r.ended = nil, nil
	return slices.Clip(list)
}

// Begin is recording.Recorder's.
func (r *Recorder) Begin(kind, name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks, r.ended = append(r.marks, kind+" "+name), append(r.ended, false)
	return len(r.marks) - 1
}

// End is recording.Recorder's.
func (r *Recorder) End(number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number < len(r.ended) {
		r.ended[number] = true
	}
}

// Fail is recording.Recorder's.
func (*Recorder) Fail(string, string) {}
