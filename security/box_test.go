package security

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// This file is inside the package so that it can change the clock of a Box.

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
	for _, forged := range []string{"", "x", "!", text[1:], text + "A", text[:71] + "!", strings.Repeat("A", 72), strings.ToLower(text), text + "\n", text[:9] + "\r\n" + text[9:], "\r" + text} {
		require.ErrorIs(t, open(box, "session", forged, 0), ErrForged, forged)
	}
	for i := range text { // no character can be replaced by another
		changed := []byte(text)
		changed[i] = 'A' + (changed[i]-'A'+1)%26
		if string(changed) != text {
			require.ErrorIs(t, open(box, "session", string(changed), 0), ErrForged)
		}
	}

	box.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	require.ErrorIs(t, open(box, "session", text, time.Hour), ErrExpired)
	require.NoError(t, open(box, "session", text, 3*time.Hour))
	require.ErrorIs(t, open(box, "session", text, -1), ErrExpired)
	require.NoError(t, open(box, "session", text, 0))

	_, err = NewBox()
	require.Error(t, err)
	_, err = NewBox(key, []byte("short"))
	require.ErrorContains(t, err, "key 2 of a box: 5 bytes are not 32")
	_, err = NewBox(make([]byte, keySize))
	require.ErrorContains(t, err, "key 1 of a box is all zeros")
}

func TestLineBreaksAreNotPartOfAnyText(t *testing.T) {
	s := Signer{Keys: [][]byte{[]byte("sixteen bytes of it")}}
	signed, err := s.Sign("ZGF0YQ", time.Now())
	require.NoError(t, err)
	for _, at := range []int{0, 3, len(signed) - 3, len(signed)} {
		_, _, err := s.Unsign(signed[:at]+"\r\n"+signed[at:], 0)
		require.ErrorIs(t, err, ErrForged)
	}
	hash, err := HashPasswordContext(t.Context(), Argon2id{Memory: 64, Passes: 1, Lanes: 1}, "x")
	require.NoError(t, err)
	require.False(t, CheckPassword(hash+"\n", "x"))
}

func TestEmptyKeysAreRefused(t *testing.T) {
	good := Signer{Keys: [][]byte{[]byte("sixteen bytes of it")}}
	signed, err := good.Sign("text", time.Now())
	require.NoError(t, err)
	for name, keys := range map[string][][]byte{
		"no keys": nil, "an empty key": {{}}, "a nil key": {nil}, "an empty key behind another": {good.Keys[0], {}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Signer{Keys: keys}
			_, err := s.Sign("text", time.Now())
			require.ErrorContains(t, err, "security: Signer.Keys")
			_, _, err = s.Unsign(signed, 0)
			require.ErrorContains(t, err, "security: Signer.Keys")
			require.NotErrorIs(t, err, ErrForged)
		})
	}
	_, _, err = good.Unsign(signed, -1)
	require.ErrorIs(t, err, ErrExpired)
}

func TestShortKeysAreLoggedOnce(t *testing.T) {
	var b strings.Builder
	warnShortKey = sync.Once{}
	for range 3 {
		s := Signer{Keys: [][]byte{[]byte("dev")}, Logger: slog.New(slog.NewTextHandler(&b, nil))}
		_, err := s.Sign("text", time.Now())
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(b.String(), "easy to guess"))
	require.NotContains(t, b.String(), "dev", "the key itself is not logged")
}
