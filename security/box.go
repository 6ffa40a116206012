package security

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Box seals data into strings that clients keep: they can neither read nor change the data
// (XChaCha20-Poly1305, RFC 8439). It is for concurrent use.
type Box struct {
	ciphers []cipher.AEAD
	now     func() time.Time
}

// The errors of [Box.Open] and [Signer.Unsign].
var (
	// ErrForged says that the string was made with none of the keys for this purpose.
	ErrForged = errors.New("not made with this key for this purpose")
	// ErrExpired says that the string was made too long ago.
	ErrExpired = errors.New("made too long ago")
)

// keySize is the number of bytes of a key.
const keySize = chacha20poly1305.KeySize

// NewKey returns a random key for [NewBox]. Keep it where other secrets are kept: a new key at each
// start would end every session.
func NewKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	return key
}

// NewBox returns a Box of one or more keys of 32 bytes. The first key seals,
// and any of them opens. To change keys, put the new key first, and drop the
// old key when everything that it sealed has expired.
func NewBox(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("a box needs a key")
	}
	b := &Box{now: time.Now}
	for i, key := range keys {
		if len(key) > 0 && len(bytes.Trim(key, "\x00")) == 0 {
			return nil, fmt.Errorf("key %d of a box is all zeros: it was never filled in", i+1)
		}
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, fmt.Errorf("key %d of a box: %d bytes are not %d", i+1, len(key), keySize)
		}
		b.ciphers = append(b.ciphers, aead)
	}
	return b, nil
}

// Seal returns data as a string of letters, digits, "-" and "_". The string is a third longer than
// data, plus 64 characters. The string is valid only for its purpose: a value sealed as a session
// does not open as a password reset.
func (b *Box) Seal(purpose string, data []byte) string {
	aead := b.ciphers[0]
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+8+len(data)+aead.Overhead())
	rand.Read(sealed) // never fails
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(data)), uint64(b.now().Unix()))
	sealed = aead.Seal(sealed, sealed, append(plain, data...), []byte(purpose))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns the data that a box with one of these keys sealed for this purpose, at most maxAge
// ago. 0 means at any time; with a negative maxAge the data has always expired. The error is
// [ErrForged] or [ErrExpired]. Only the string that [Box.Seal] returned opens.
func (b *Box) Open(purpose, text string, maxAge time.Duration) ([]byte, error) {
	sealed, err := decodeURL(text)
	if err != nil {
		return nil, ErrForged
	}
	for _, aead := range b.ciphers {
		n := aead.NonceSize()
		if len(sealed) < n+8+aead.Overhead() {
			return nil, ErrForged
		}
		plain, err := aead.Open(nil, sealed[:n], sealed[n:], []byte(purpose))
		if err != nil {
			continue
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
		if maxAge != 0 && (maxAge < 0 || b.now().Sub(at) > maxAge) {
			return nil, ErrExpired
		}
		return plain[8:], nil
	}
	return nil, ErrForged
}
