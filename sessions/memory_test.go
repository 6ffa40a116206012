package sessions

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoryIsBounded(t *testing.T) {
	m := &Memory{MaxBytes: 100_000}
	fields := map[string][]byte{"v:text": bytes.Repeat([]byte("x"), 900)}
	for i := range 1000 {
		_, err := m.Save(t.Context(), fmt.Sprint(i), Change{Create: true, Set: fields, TTL: time.Hour})
		require.NoError(t, err)
		kept, err := m.Load(t.Context(), "0")
		require.NoError(t, err)
		require.NotNil(t, kept, "what is used stays")
		require.LessOrEqual(t, m.bytes, 100_000)
	}
	require.Less(t, len(m.sessions), 100)
	require.Equal(t, len(m.sessions), m.byUse.Len())
	kept, err := m.Load(t.Context(), "1")
	require.NoError(t, err)
	require.Nil(t, kept, "what was not used for the longest time is removed")
	for id := range m.sessions {
		_, err := m.Save(t.Context(), id, Change{Clear: true})
		require.NoError(t, err)
	}
	require.Zero(t, m.bytes)
	for _, c := range []struct {
		most int
		ok   bool
	}{{0, true}, {-1, true}, {1, true}, {1 << 60, false}} {
		m := &Memory{MaxBytes: c.most}
		_, err := m.Save(t.Context(), "a", Change{Create: true, Set: fields, TTL: time.Hour})
		require.Equal(t, c.ok, err == nil, c.most)
	}
}
