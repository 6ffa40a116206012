package security

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Signer signs data that clients may read but not change, as the Python library itsdangerous does
// (TimestampSigner). Each library verifies the signatures of the other, if both use the same key,
// salt, derivation and hash. If only Go programs use the data, a [Box] is better, because then
// clients cannot read the data either.
//
// A URLSafeTimedSerializer of itsdangerous signs the base64 of JSON: [Encode] and [Decode] do the
// same.
type Signer struct {
	// Keys are the secrets: the first signs, any of them verifies. (itsdangerous lists them in
	// reverse order.) An empty key is an error, since an attacker would try it first. A key of less
	// than 16 bytes is logged as a warning, once in a process.
	Keys [][]byte
	// Salt separates purposes: a value signed with one salt counts as forged with another.
	// itsdangerous uses "itsdangerous" in its serializers, Flask "cookie-session".
	Salt string
	// Derivation says how the signing key is made from a secret and the salt. The names are those
	// of key_derivation in itsdangerous.
	//
	//	"django-concat"  hash(salt + "signer" + secret), the default
	//	"concat"         hash(salt + secret)
	//	"hmac"           HMAC(secret, salt), which Flask takes
	//	"none"           the secret itself
	Derivation string
	// Hash is the hash of the HMAC; nil is SHA-1, as in itsdangerous. The
	// weakness of SHA-1 does not affect HMAC.
	Hash func() hash.Hash
	// Logger gets a warning about a short key. Nil means [slog.Default].
	Logger *slog.Logger
}

// shortKey is the length in bytes below which a key is easy to guess.
const shortKey = 16

var warnShortKey sync.Once

// check returns an error if a key is missing: then anyone could sign.
func (s *Signer) check() error {
	if !slices.Contains([]string{"", "django-concat", "concat", "hmac", "none"}, s.Derivation) {
		return fmt.Errorf("security: Signer.Derivation is %q: use django-concat, concat, hmac or none", s.Derivation)
	}
	if len(s.Keys) == 0 {
		return errors.New("security: Signer.Keys is empty")
	}
	for i, key := range s.Keys {
		if len(key) == 0 {
			return fmt.Errorf("security: Signer.Keys[%d] is an empty key, and everybody could sign with it: remove it", i)
		}
		if len(key) < shortKey {
			warnShortKey.Do(func() {
				s.logger().Warn("a signing key is easy to guess: use at least 16 random bytes", "bytes", len(key), "salt", s.Salt)
			})
		}
	}
	return nil
}

func (s *Signer) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.Default()
}

func (s *Signer) hash() func() hash.Hash {
	if s.Hash != nil {
		return s.Hash
	}
	return sha1.New
}

func (s *Signer) derive(secret []byte) []byte {
	h := s.hash()()
	switch s.Derivation {
	case "", "django-concat":
		h.Write([]byte(s.Salt + "signer"))
		h.Write(secret)
	case "concat":
		h.Write([]byte(s.Salt))
		h.Write(secret)
	case "hmac":
		h = hmac.New(s.hash(), secret)
		h.Write([]byte(s.Salt))
	default:
		return secret
	}
	return h.Sum(nil)
}

func (s *Signer) signature(secret []byte, text string) string {
	mac := hmac.New(s.hash(), s.derive(secret))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Sign returns the string with the time, in seconds, and a signature, each after a dot. It returns
// an error if a key is missing or empty.
func (s *Signer) Sign(text string, at time.Time) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(max(at.Unix(), 0)))
	text += "." + base64.RawURLEncoding.EncodeToString([]byte(strings.TrimLeft(string(seconds[:]), "\x00")))
	return text + "." + s.signature(s.Keys[0], text), nil
}

// Unsign returns the string that was signed at most maxAge ago, and when it was signed. 0 means at
// any time; with a negative maxAge the signature has always expired. A string that was signed in
// the future counts as expired. The error is [ErrForged] or [ErrExpired], or says that a key is
// missing or empty.
func (s *Signer) Unsign(signed string, maxAge time.Duration) (text string, at time.Time, err error) {
	if err := s.check(); err != nil {
		return "", at, err
	}
	dated, signature, ok := cutLast(signed)
	if !ok || !s.verifies(dated, signature) {
		return "", at, ErrForged
	}
	text, stamp, ok := cutLast(dated)
	seconds, err := decodeURL(stamp)
	if !ok || err != nil || len(seconds) > 8 {
		return "", at, ErrForged
	}
	var number [8]byte
	copy(number[8-len(seconds):], seconds)
	at = time.Unix(int64(min(binary.BigEndian.Uint64(number[:]), 1<<40)), 0)
	// Both times are in whole seconds, as in the other library.
	age := time.Duration(time.Now().Unix()-at.Unix()) * time.Second
	if maxAge != 0 && (age > maxAge || age < 0) {
		return "", at, ErrExpired
	}
	return text, at, nil
}

func (s *Signer) verifies(text, signature string) bool {
	good := false
	for _, key := range s.Keys {
		if hmac.Equal([]byte(s.signature(key, text)), []byte(signature)) {
			good = true
		}
	}
	return good
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
