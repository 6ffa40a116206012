package security

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// This file is inside the package to turn the clock of a Box.

func TestBox(t *testing.T) {
	key, old := NewKey(), NewKey()
	box, err := NewBox(key, old)
	require.NoError(t, err)
	former, err := NewBox(old)
	require.NoError(t, err)
	other, err := NewBox(NewKey())
	require.NoError(t, err)

	text := box.Seal("session", []byte("user 7"))
	require.NotContains(t, text, "user")
	require.Regexp(t, `^[A-Za-z0-9_-]{72}$`, text)
	require.NotEqual(t, text, box.Seal("session", []byte("user 7")))
	open := func(b *Box, purpose, text string, maxAge time.Duration) error {
		data, err := b.Open(purpose, text, maxAge)
		if err == nil {
			require.Equal(t, "user 7", string(data))
		}
		return err
	}
	require.NoError(t, open(box, "session", text, time.Hour))
	require.NoError(t, open(box, "session", former.Seal("session", []byte("user 7")), 0), "an old key still opens")
	require.ErrorIs(t, open(former, "session", text, 0), ErrForged)
	require.ErrorIs(t, open(other, "session", text, 0), ErrForged)
	require.ErrorIs(t, open(box, "reset", text, 0), ErrForged)
	for _, forged := range []string{"", "x", "!", text[1:], text + "A", text[:71] + "!", strings.Repeat("A", 72), strings.ToLower(text)} {
		require.ErrorIs(t, open(box, "session", forged, 0), ErrForged, forged)
	}
	for i := range text { // no character can be another
		changed := []byte(text)
		changed[i] = 'A' + (changed[i]-'A'+1)%26
		if string(changed) != text {
			require.ErrorIs(t, open(box, "session", string(changed), 0), ErrForged)
		}
	}

	box.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	require.ErrorIs(t, open(box, "session", text, time.Hour), ErrExpired)
	require.NoError(t, open(box, "session", text, 3*time.Hour))
	require.NoError(t, open(box, "session", text, 0))

	_, err = NewBox()
	require.Error(t, err)
	_, err = NewBox(key, []byte("short"))
	require.ErrorContains(t, err, "key 2 of a box: 5 bytes are not 32")
}
