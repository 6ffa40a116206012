package sessions

import (
	"container/list"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/zeugkit/zeug/internal/limits"
)

// Memory is a [Store] in the memory of the process. Its sessions end with the
// process, and other processes do not see them. The zero value is usable.
type Memory struct {
	// MaxBytes limits the memory of all sessions together: 64 MiB by default.
	// When it is reached, the sessions that were not used for the longest time
	// are removed. A negative value means no limit.
	MaxBytes int

	mu       sync.Mutex
	sessions map[string]*list.Element // of *remembered
	byUse    list.List                // the last used first
	bytes    int
}

// remembered is a session in memory.
type remembered struct {
	id      string
	fields  map[string][]byte
	bytes   int
	expires time.Time
}

// overhead is about how many bytes a session and a field need besides their
// strings.
const (
	sessionOverhead = 256
	fieldOverhead   = 64
)

// Load returns the fields of a session.
func (m *Memory) Load(_ context.Context, id string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.find(id, time.Now()); r != nil {
		return maps.Clone(r.fields), nil
	}
	return nil, nil
}

// find returns the session with this id, nil if there is none.
func (m *Memory) find(id string, now time.Time) *remembered {
	e := m.sessions[id]
	if e == nil {
		return nil
	}
	r := e.Value.(*remembered)
	if !now.Before(r.expires) {
		m.remove(e)
		return nil
	}
	m.byUse.MoveToFront(e)
	return r
}

func (m *Memory) remove(e *list.Element) {
	r := m.byUse.Remove(e).(*remembered)
	m.bytes -= r.bytes
	delete(m.sessions, r.id)
}

// Save changes a session.
func (m *Memory) Save(_ context.Context, id string, change Change) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := m.MaxBytes
	if err := limits.Set(&most, "sessions: Memory.MaxBytes", 64<<20, 1<<50); err != nil {
		return nil, err
	}
	now := time.Now()
	r := m.find(id, now)
	if r == nil {
		if !change.Create {
			return nil, ErrNoSession
		}
		r = m.add(id)
	}
	removed := change.apply(r.fields)
	if change.TTL > 0 {
		r.expires = now.Add(change.TTL)
	}
	m.resize(r)
	if len(r.fields) == 0 {
		m.remove(m.sessions[id])
	}
	for m.bytes > most && m.byUse.Len() > 1 {
		m.remove(m.byUse.Back())
	}
	return removed, nil
}

func (m *Memory) add(id string) *remembered {
	if m.sessions == nil {
		m.sessions = map[string]*list.Element{}
	}
	r := &remembered{id: id, fields: map[string][]byte{}}
	m.sessions[id] = m.byUse.PushFront(r)
	return r
}

// resize updates the memory of a session.
func (m *Memory) resize(r *remembered) {
	m.bytes -= r.bytes
	r.bytes = sessionOverhead + len(r.id)
	for name, value := range r.fields {
		r.bytes += fieldOverhead + len(name) + len(value)
	}
	m.bytes += r.bytes
}

// apply changes fields, and returns the removed ones.
func (c *Change) apply(fields map[string][]byte) (removed map[string][]byte) {
	removed = map[string][]byte{}
	if c.Clear {
		maps.Copy(removed, fields)
		clear(fields)
	}
	for _, name := range c.Remove {
		if value, ok := fields[name]; ok {
			removed[name] = value
			delete(fields, name)
		}
	}
	maps.Copy(fields, c.Set)
	return removed
}
