package security

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"strings"
	"time"
)

// Signer signs data that clients may read but not change, as the Python library
// itsdangerous does (TimestampSigner): what one side signs, the other verifies,
// where both have the key, the salt, the derivation and the hash. For data that is
// a program's own, a [Box] is better: nobody can read that either.
//
// A URLSafeTimedSerializer of itsdangerous signs the base64 of a JSON text:
// [Encode] and [Decode] are that.
type Signer struct {
	// Keys are the secrets, of any length: the first signs, any of them verifies.
	// (itsdangerous has them the other way round.)
	Keys [][]byte
	// Salt tells purposes apart: what was signed with one is forged with another.
	// itsdangerous takes "itsdangerous" in its serializers, Flask "cookie-session".
	Salt string
	// Derivation makes the key that signs of a secret and the salt.
	Derivation Derivation
	// Hash is that of the HMAC; nil is SHA-1, as in itsdangerous. Its weakness is
	// not one of HMAC.
	Hash func() hash.Hash
}

// Derivation is how a [Signer] makes its key: itsdangerous' key_derivation.
type Derivation int

// The derivations of itsdangerous.
const (
	DjangoConcat Derivation = iota // hash(salt + "signer" + secret), the default
	Concat                         // hash(salt + secret)
	HMAC                           // HMAC(secret, salt), Flask's
	None                           // the secret itself
)

// errNoKey is the answer to a Signer without keys, which would trust everybody.
var errNoKey = errors.New("a signer without keys")

func (s *Signer) hash() func() hash.Hash {
	if s.Hash != nil {
		return s.Hash
	}
	return sha1.New
}

func (s *Signer) derive(secret []byte) []byte {
	h := s.hash()()
	switch s.Derivation {
	case DjangoConcat:
		h.Write([]byte(s.Salt + "signer"))
		h.Write(secret)
	case Concat:
		h.Write([]byte(s.Salt))
		h.Write(secret)
	case HMAC:
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

// Sign returns the text with the time, in seconds, and a signature, after a point
// each. Its error is of a Signer without keys.
func (s *Signer) Sign(text string, at time.Time) (string, error) {
	if len(s.Keys) == 0 {
		return "", errNoKey
	}
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(max(at.Unix(), 0)))
	text += "." + base64.RawURLEncoding.EncodeToString([]byte(strings.TrimLeft(string(seconds[:]), "\x00")))
	return text + "." + s.signature(s.Keys[0], text), nil
}

// Unsign returns the text that was signed, at most maxAge ago, and when; 0 means
// whenever. What was signed in the future is as bad as what has expired. Its
// error is [ErrForged] or [ErrExpired].
func (s *Signer) Unsign(signed string, maxAge time.Duration) (text string, at time.Time, err error) {
	dated, signature, ok := cutLast(signed)
	if !ok || !s.verifies(dated, signature) {
		return "", at, ErrForged
	}
	text, stamp, ok := cutLast(dated)
	seconds, err := base64.RawURLEncoding.DecodeString(stamp)
	if !ok || err != nil || len(seconds) > 8 {
		return "", at, ErrForged
	}
	var number [8]byte
	copy(number[8-len(seconds):], seconds)
	at = time.Unix(int64(min(binary.BigEndian.Uint64(number[:]), 1<<40)), 0)
	// Whole seconds on both sides, as the other library counts them.
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
