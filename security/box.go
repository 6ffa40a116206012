package security

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Box seals data into texts that travel through the hands of clients: they can
// neither read nor change what is in them (XChaCha20-Poly1305, RFC 8439). It is
// for concurrent use.
type Box struct {
	ciphers []cipher.AEAD
	now     func() time.Time
}

// The errors of [Box.Open] and [Signer.Unsign].
var (
	// ErrForged says that the text was made with none of the keys for this purpose.
	ErrForged = errors.New("not made with this key for this purpose")
	// ErrExpired says that the text was made too long ago.
	ErrExpired = errors.New("made too long ago")
)

// KeySize is the number of bytes of a key.
const KeySize = chacha20poly1305.KeySize

// NewKey returns a random key for [NewBox]. Keep it where other secrets are kept:
// a key that is made anew at each start forgets every session.
func NewKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails
	return key
}

// NewBox returns a Box of one or more keys of [KeySize] bytes. The first seals,
// any of them opens: to change keys, put the new one in front, and drop the old
// one when what it sealed has expired.
func NewBox(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("a box needs a key")
	}
	b := &Box{now: time.Now}
	for i, key := range keys {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, fmt.Errorf("key %d of a box: %d bytes are not %d", i+1, len(key), KeySize)
		}
		b.ciphers = append(b.ciphers, aead)
	}
	return b, nil
}

// Seal returns data as a text of letters, digits, "-" and "_", a third longer
// than data and 64 characters more. It is of use for its purpose alone: what was
// sealed as a session does not open as a password reset.
func (b *Box) Seal(purpose string, data []byte) string {
	aead := b.ciphers[0]
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+8+len(data)+aead.Overhead())
	rand.Read(sealed) // never fails
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(data)), uint64(b.now().Unix()))
	sealed = aead.Seal(sealed, sealed, append(plain, data...), []byte(purpose))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns the data that a box of one of these keys sealed for this purpose,
// at most maxAge ago; 0 means whenever. Its error is [ErrForged] or [ErrExpired].
func (b *Box) Open(purpose, text string, maxAge time.Duration) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
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
		if maxAge > 0 && b.now().Sub(at) > maxAge {
			return nil, ErrExpired
		}
		return plain[8:], nil
	}
	return nil, ErrForged
}
