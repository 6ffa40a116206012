package security

import (
	"context"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// A PasswordMethod turns passwords into hashes that are safe to store: [Argon2id],
// [Scrypt] or [PBKDF2]. Its hashes contain the method and its settings, so that
// [CheckPassword] needs nothing but the hash.
type PasswordMethod interface {
	// hash returns the hash of a password, with a salt of its own, or the error of ctx.
	hash(ctx context.Context, password string) (string, error)
	// settings is the part of the hash before the salt.
	settings() (string, error)
}

// HashPassword hashes a password with [Argon2id] and its defaults. It waits for its turn (see
// [CheckPassword]).
func HashPassword(password string) (string, error) {
	return HashPasswordContext(context.Background(), Argon2id{}, password)
}

// HashPasswordContext hashes a password with a method. It returns the error of ctx if that ends
// before its turn comes (see [CheckPassword]).
func HashPasswordContext(ctx context.Context, m PasswordMethod, password string) (string, error) {
	return m.hash(ctx, password)
}

// CheckPassword reports whether a hash was made from this password. It takes the same time wherever
// the two differ, and is false for a hash that is malformed, of an unknown method, or needs more
// than 4 GiB of memory. It knows the hashes of this package and of Werkzeug: argon2id, scrypt and
// pbkdf2.
//
// Hashing is slow by design. A process hashes or checks at most half of GOMAXPROCS passwords at
// once, but at least one, so that many logins do not take all processors or all memory. Further
// calls wait for their turn.
func CheckPassword(hashed, password string) bool {
	ok, _ := CheckPasswordContext(context.Background(), hashed, password)
	return ok
}

// CheckPasswordContext is like [CheckPassword], but returns the error of ctx if that ends
// before its turn comes. Pass the context of the request, with a timeout:
//
//	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
//	defer cancel()
//	ok, err := security.CheckPasswordContext(ctx, user.Hash, password)
func CheckPasswordContext(ctx context.Context, hashed, password string) (bool, error) {
	h, err := parseHash(hashed)
	if err != nil {
		return false, nil
	}
	leave, err := enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	sum, err := h.derive(password, h.salt, len(h.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1, nil
}

// turns has room for each password that may be hashed at once.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// enter waits until a password may be hashed. The caller must call leave afterwards.
func enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("security: a password is not hashed: %w", err)
	}
	select {
	case turns <- struct{}{}:
		return func() { <-turns }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("security: too many passwords are hashed at once: %w", ctx.Err())
	}
}

// NeedsRehash reports whether a hash was made with another method than m, or with other settings.
// If so, hash the password again when its owner next signs in.
//
//	if security.CheckPassword(user.Hash, password) && security.NeedsRehash(user.Hash, security.Argon2id{}) {
//		user.Hash, err = security.HashPassword(password)
//	}
func NeedsRehash(hashed string, m PasswordMethod) bool {
	want, err := m.settings()
	if err != nil {
		return false
	}
	rest, ok := strings.CutPrefix(hashed, want+"$")
	if !ok {
		return true
	}
	_, err = parseHash(want + "$" + rest)
	return err != nil
}

// Argon2id is the method of RFC 9106, the best one for passwords. Its hashes
// have the form of the PHC: "$argon2id$v=19$m=65536,t=3,p=4$salt$hash". A
// setting that is zero has the value of the RFC's second recommendation.
type Argon2id struct {
	// Memory is in KiB, 65536 (64 MiB) by default.
	Memory uint32
	// Passes is the number of passes over the memory, 3 by default.
	Passes uint32
	// Lanes is how many lanes run in parallel, 4 by default.
	Lanes uint8
}

func (m Argon2id) hash(ctx context.Context, password string) (string, error) {
	settings, err := m.settings()
	if err != nil {
		return "", err
	}
	leave, err := enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	m = m.withDefaults()
	var salt [16]byte
	rand.Read(salt[:]) // never fails
	sum := argon2.IDKey([]byte(password), salt[:], m.Passes, m.Memory, m.Lanes, 32)
	b64 := base64.RawStdEncoding
	return settings + "$" + b64.EncodeToString(salt[:]) + "$" + b64.EncodeToString(sum), nil
}

func (m Argon2id) withDefaults() Argon2id {
	if m.Memory == 0 {
		m.Memory = 64 << 10
	}
	if m.Passes == 0 {
		m.Passes = 3
	}
	if m.Lanes == 0 {
		m.Lanes = 4
	}
	return m
}

func (m Argon2id) settings() (string, error) {
	m = m.withDefaults()
	if m.Memory < 8*uint32(m.Lanes) || m.Memory > maxMemory>>10 {
		return "", fmt.Errorf("argon2id: %d KiB of memory are not between 8 for each of %d lanes and %d", m.Memory, m.Lanes, maxMemory>>10)
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d", argon2.Version, m.Memory, m.Passes, m.Lanes), nil
}

// Scrypt is the method of RFC 7914, and Werkzeug's default. Its hashes have
// Werkzeug's form: "scrypt:131072:8:1$salt$hash". The defaults are those of OWASP's
// Password Storage Cheat Sheet; Werkzeug's N is 32768, whose hashes verify too.
type Scrypt struct {
	// N is the cost, a power of two, 131072 by default. 128·N·R bytes of memory
	// are used: 128 MiB by default.
	N int
	// R is the size of a block, 8 by default.
	R int
	// P is how many times the work is done, 1 by default.
	P int
}

func (m Scrypt) hash(ctx context.Context, password string) (string, error) {
	return werkzeugHash(ctx, m, password)
}

func (m Scrypt) withDefaults() Scrypt {
	if m.N == 0 {
		m.N = 1 << 17
	}
	if m.R == 0 {
		m.R = 8
	}
	if m.P == 0 {
		m.P = 1
	}
	return m
}

func (m Scrypt) settings() (string, error) {
	m = m.withDefaults()
	if m.N < 2 || m.N&(m.N-1) != 0 || m.R < 1 || m.P < 1 || m.R > 1<<20 || m.P > 1<<20 || m.N > maxMemory/128/m.R {
		return "", fmt.Errorf("scrypt: N %d, R %d, P %d are not a power of two and two positive numbers for at most %d bytes of memory", m.N, m.R, m.P, maxMemory)
	}
	return fmt.Sprintf("scrypt:%d:%d:%d", m.N, m.R, m.P), nil
}

// PBKDF2 is the method of RFC 8018. Use it where a rule requires it. Its hashes
// have Werkzeug's form: "pbkdf2:sha256:1000000$salt$hash".
type PBKDF2 struct {
	// HashName names a hash function as Python does: "sha256" by default,
	// "sha1", "sha224", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384",
	// "sha3_512", and "md5" for existing hashes.
	HashName string
	// Iterations is 1,000,000 by default.
	Iterations int
}

func (m PBKDF2) hash(ctx context.Context, password string) (string, error) {
	return werkzeugHash(ctx, m, password)
}

func (m PBKDF2) withDefaults() PBKDF2 {
	if m.HashName == "" {
		m.HashName = "sha256"
	}
	if m.Iterations == 0 {
		m.Iterations = 1_000_000
	}
	return m
}

func (m PBKDF2) settings() (string, error) {
	m = m.withDefaults()
	if _, ok := digests[m.HashName]; !ok {
		return "", fmt.Errorf("pbkdf2: unknown hash function %q", m.HashName)
	}
	if m.Iterations < 1 {
		return "", fmt.Errorf("pbkdf2: %d is not a valid number of iterations", m.Iterations)
	}
	return fmt.Sprintf("pbkdf2:%s:%d", m.HashName, m.Iterations), nil
}

// digests are the hash functions of pbkdf2 by their names in Python.
var digests = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha224":   sha256.New224,
	"sha256":   sha256.New,
	"sha384":   sha512.New384,
	"sha512":   sha512.New,
	"sha3_224": func() hash.Hash { return sha3.New224() },
	"sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() },
	"sha3_512": func() hash.Hash { return sha3.New512() },
}

// maxMemory is the most memory that the check of one password may use.
const maxMemory = 4 << 30

// werkzeugHash hashes in Werkzeug's form, in which the salt is a string.
func werkzeugHash(ctx context.Context, m PasswordMethod, password string) (string, error) {
	settings, err := m.settings()
	if err != nil {
		return "", err
	}
	leave, err := enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := rand.Text() // 130 bits
	h, err := parseHash(settings + "$" + salt + "$00")
	if err != nil {
		return "", err
	}
	sum, err := h.derive(password, []byte(salt), 0)
	if err != nil {
		return "", err
	}
	return settings + "$" + salt + "$" + hex.EncodeToString(sum), nil
}

// parsedHash is a stored hash, split into its parts.
type parsedHash struct {
	salt, sum []byte
	// derive computes the sum of a password. length is the length of the stored sum; only argon2id
	// uses it.
	derive func(password string, salt []byte, length int) ([]byte, error)
}

var errHash = errors.New("malformed password hash")

func parseHash(text string) (parsedHash, error) {
	if rest, ok := strings.CutPrefix(text, "$argon2id$"); ok {
		return parseArgon2id(rest)
	}
	method, rest, ok := strings.Cut(text, "$")
	if !ok {
		return parsedHash{}, errHash
	}
	salt, sum, ok := strings.Cut(rest, "$")
	if !ok {
		return parsedHash{}, errHash
	}
	h := parsedHash{salt: []byte(salt)}
	var err error
	if h.sum, err = hex.DecodeString(sum); err != nil || sum == "" {
		return h, errHash
	}
	name, args, _ := strings.Cut(method, ":")
	switch name {
	case "scrypt":
		h.derive, err = scryptFrom(args)
	case "pbkdf2":
		h.derive, err = pbkdf2From(args)
	default:
		err = errHash
	}
	return h, err
}

func scryptFrom(args string) (func(string, []byte, int) ([]byte, error), error) {
	m := Scrypt{N: 1 << 15, R: 8, P: 1} // the settings that Werkzeug means by "scrypt" alone
	if args != "" {
		fields := strings.Split(args, ":")
		if len(fields) != 3 {
			return nil, errHash
		}
		for i, field := range []*int{&m.N, &m.R, &m.P} {
			var err error
			if *field, err = strconv.Atoi(fields[i]); err != nil || *field < 1 {
				return nil, errHash
			}
		}
	}
	if _, err := m.settings(); err != nil {
		return nil, err
	}
	return func(password string, salt []byte, _ int) ([]byte, error) {
		return scrypt.Key([]byte(password), salt, m.N, m.R, m.P, 64)
	}, nil
}

func pbkdf2From(args string) (func(string, []byte, int) ([]byte, error), error) {
	var m PBKDF2
	name, iterations, has := strings.Cut(args, ":")
	m.HashName = name
	if has {
		var err error
		if m.Iterations, err = strconv.Atoi(iterations); err != nil || m.Iterations < 1 {
			return nil, errHash
		}
	}
	if _, err := m.settings(); err != nil {
		return nil, err
	}
	m = m.withDefaults()
	digest := digests[m.HashName]
	return func(password string, salt []byte, _ int) ([]byte, error) {
		return pbkdf2.Key(digest, password, salt, m.Iterations, digest().Size())
	}, nil
}

// parseArgon2id reads "v=19$m=65536,t=3,p=4$salt$hash".
func parseArgon2id(text string) (h parsedHash, err error) {
	fields := strings.Split(text, "$")
	if len(fields) != 4 || fields[0] != "v="+strconv.Itoa(argon2.Version) {
		return h, errHash
	}
	var m Argon2id
	var lanes uint32
	params := strings.Split(fields[1], ",")
	if len(params) != 3 {
		return h, errHash
	}
	for i, param := range []struct {
		name  string
		value *uint32
	}{{"m=", &m.Memory}, {"t=", &m.Passes}, {"p=", &lanes}} {
		digits, ok := strings.CutPrefix(params[i], param.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n == 0 {
			return h, errHash
		}
		*param.value = uint32(n)
	}
	if lanes > 255 {
		return h, errHash
	}
	m.Lanes = uint8(lanes)
	if _, err := m.settings(); err != nil {
		return h, err
	}
	b64 := base64.RawStdEncoding
	if h.salt, err = decodeOnly(b64, fields[2]); err != nil {
		return h, errHash
	}
	if h.sum, err = decodeOnly(b64, fields[3]); err != nil || len(h.sum) < 4 || len(h.sum) > 1024 {
		return h, errHash
	}
	h.derive = func(password string, salt []byte, length int) ([]byte, error) {
		return argon2.IDKey([]byte(password), salt, m.Passes, m.Memory, m.Lanes, uint32(length)), nil
	}
	return h, nil
}
