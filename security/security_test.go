package security_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/security"
)

func TestSafeJoin(t *testing.T) {
	for _, c := range []struct {
		name, directory string
		parts           []string
		want            string
	}{
		{"a name", "/srv", []string{"a"}, "/srv/a"},
		{"several parts", "/srv", []string{"a", "b/c"}, "/srv/a/b/c"},
		{"an empty part", "/srv", []string{"", "a", ""}, "/srv/a"},
		{"no part", "/srv", nil, "/srv"},
		{"dots that stay inside", "/srv", []string{"a/../b/./c"}, "/srv/b/c"},
		{"dots that lead to itself", "/srv", []string{"a/.."}, "/srv/."},
		{"more dots are a name", "/srv", []string{"..../...a"}, "/srv/..../...a"},
		{"a slash at the directory's end", "/srv/", []string{"a"}, "/srv/a"},
		{"the current directory", "", []string{"a"}, "./a"},
		{"what Windows would mind", "/srv", []string{`a\b`}, `/srv/a\b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := security.SafeJoin(c.directory, c.parts...)
			require.True(t, ok)
			require.Equal(t, c.want, got)
		})
	}
	for _, part := range []string{"..", "../a", "a/../..", "a/../../b", "./../x", "/a", "//a", "/", "a\x00b", "/..", "..//"} {
		t.Run("refused "+part, func(t *testing.T) {
			_, ok := security.SafeJoin("/srv", part)
			require.False(t, ok)
			_, ok = security.SafeJoin("/srv", "a", part)
			require.False(t, ok, "parts are judged by themselves")
		})
	}
}

func FuzzSafeJoin(f *testing.F) {
	for _, seed := range []string{"a", "../a", "a/../../b", "//", "./..", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, part string) {
		joined, ok := security.SafeJoin("/srv/www", part)
		if !ok {
			return
		}
		rel, err := filepath.Rel("/srv/www", joined)
		require.NoError(t, err)
		require.True(t, filepath.IsLocal(rel), "%q leads to %q", part, joined)
	})
}

func TestSecureFilename(t *testing.T) {
	for name, want := range map[string]string{
		"My cool movie.mov": "My_cool_movie.mov", "../../../etc/passwd": "etc_passwd", "naïve café.pdf": "naive_cafe.pdf",
		"日本.txt": "txt", "...": "", "": "", "a\\b": "ab", ".htaccess": "htaccess", "a\tb  c": "a_b_c", "ﬁn.txt": "fin.txt", "-rf": "-rf", "\x00a": "a",
	} {
		require.Equal(t, want, security.SecureFilename(name), name)
	}
}

func TestUnicodeFilename(t *testing.T) {
	for name, want := range map[string]string{
		"日本.txt": "日本.txt", "My cool movie.mov": "My_cool_movie.mov", `C:\dir\f.txt`: "f.txt", "../../etc/passwd": "passwd",
		"e\u0301.txt": "é.txt", "a\u202egnp.exe": "agnp.exe", `a<b>:"|?*c`: "abc", "con.txt": "_con.txt", "LPT¹": "_LPT¹", "..": "", "-rf": "rf",
		"a\r\nb": "a_b", "नमस्ते\u200dx.txt": "नमस्ते\u200dx.txt", "a\xff.txt": "a.txt",
	} {
		require.Equal(t, want, security.UnicodeFilename(name), name)
	}
	long := security.UnicodeFilename(strings.Repeat("ü", 300) + ".jpeg")
	require.LessOrEqual(t, len(long), 255)
	require.True(t, strings.HasSuffix(long, "ü.jpeg"))
	require.True(t, utf8.ValidString(long))

	require.Equal(t, "ń.txt", security.UnicodeFilename("n<\u0301.txt"), "composed without what stood between")
}

// FuzzFilename stores a file under the safe form of any name.
func FuzzFilename(f *testing.F) {
	for _, seed := range []string{"a.txt", "../x", "CON", "日本", strings.Repeat("a", 300), "\u202e", "a/b\\c", "n\x00\u0301", "\u1100\u202e\u1161"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		dir := t.TempDir()
		for _, safe := range []string{security.SecureFilename(name), security.UnicodeFilename(name)} {
			if safe == "" || len(safe) > 255 {
				continue
			}
			require.True(t, filepath.IsLocal(safe))
			require.Equal(t, safe, filepath.Base(safe))
			require.NoError(t, os.WriteFile(filepath.Join(dir, safe), nil, 0o600))
		}
		require.LessOrEqual(t, len(security.UnicodeFilename(name)), 255)
		require.Equal(t, security.SecureFilename(name), security.SecureFilename(security.SecureFilename(name)))
		require.Equal(t, security.UnicodeFilename(name), security.UnicodeFilename(security.UnicodeFilename(name)))
	})
}

// quick are methods with settings that take little time.
var quick = map[string]security.PasswordMethod{
	"argon2id":       security.Argon2id{Memory: 64, Passes: 1, Lanes: 1},
	"scrypt":         security.Scrypt{N: 16, R: 1, P: 1},
	"pbkdf2":         security.PBKDF2{Iterations: 2},
	"pbkdf2 of sha1": security.PBKDF2{HashName: "sha1", Iterations: 2},
}

func TestPasswords(t *testing.T) {
	for name, method := range quick {
		t.Run(name, func(t *testing.T) {
			one, err := security.HashPasswordContext(t.Context(), method, "pässwörd")
			require.NoError(t, err)
			two, err := security.HashPasswordContext(t.Context(), method, "pässwörd")
			require.NoError(t, err)
			require.NotEqual(t, one, two, "each has a salt of its own")
			require.True(t, security.CheckPassword(one, "pässwörd"))
			require.False(t, security.CheckPassword(one, "passwörd"))
			require.False(t, security.CheckPassword(one, ""))
			require.False(t, security.CheckPassword(one[:len(one)-2], "pässwörd"))
			require.False(t, security.NeedsRehash(one, method))
			for other, wanted := range quick {
				require.Equal(t, other != name, security.NeedsRehash(one, wanted), other)
			}
		})
	}
	hash, err := security.HashPassword("x")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$"))
	require.True(t, security.CheckPassword(hash, "x"))
	require.False(t, security.NeedsRehash(hash, security.Argon2id{}))
}

// TestHashesOfWerkzeug checks hashes that Werkzeug 3.1 and the command argon2
// made.
func TestHashesOfWerkzeug(t *testing.T) {
	for _, hash := range []string{
		"scrypt:32768:8:1$wkHlfEWLlsaX9Hfs$8ab2cd556a77efd26e8fa615ebf81d1dfb1dde0c118fd00fd3ec5a11cd4440416608da6c6907549e7293a55a7446026c1e22acf529ffddb492285d2b34441926",
		"scrypt:1024:4:2$RaRNGPurDf9h5qP6$fc5f8805138aa92f383971bc281bf52a8b57bf4dfb562f9afc0a6e747775f8e1c2665f0851c84e7c15437a1416c275c2c6ea013e3258c91f4dc66f10ddec0ac3",
		"pbkdf2:sha256:1000000$EWvQAqs8GUvyFxNh$fca2958ef165b485227a486926fa15d4ae68fddac3614bd0f83423494a0b6165",
		"pbkdf2:sha1:1000$7ZidnZXsXTtXxKLG$e1677b6634098cb8261d74fb39872142c87485be",
		"pbkdf2:sha512:1000$fbUUgmP5cpJmJ0Os$6e688302b2f1d3ae9335cb49928d39c9e9a9f359ade2b9a5f296bedc063f8b9b0421c8d63cd94f60c6c7ed0cb52ec7f6ca531355e79a37e4e8498e8a1319ffee",
		"pbkdf2:sha3_256:10$asVEZk2qhSGkcdK0$04d651a50bb342d8882e79f02e3feffb30ea39645727590c3406785d1b2a74a4",
		"pbkdf2:md5:10$HaAOyXe4lFVsjX3x$4f30928563e1afe1bec6ab53a99981de",
	} {
		require.True(t, security.CheckPassword(hash, "pässwörd"), hash)
		require.True(t, security.NeedsRehash(hash, security.Argon2id{}))
	}
	require.True(t, security.NeedsRehash("scrypt:32768:8:1$s$00", security.Scrypt{}), "below OWASP's figures")
	require.False(t, security.NeedsRehash("scrypt:131072:8:1$s$00", security.Scrypt{}))
	// "scrypt" by itself means Werkzeug's settings, whatever the default is
	// here.
	require.True(t, security.CheckPassword("scrypt$wkHlfEWLlsaX9Hfs$8ab2cd556a77efd26e8fa615ebf81d1dfb1dde0c118fd00fd3ec5a11cd4440416608da6c6907549e7293a55a7446026c1e22acf529ffddb492285d2b34441926", "pässwörd"))
}

func TestMalformedHashesMatchNothing(t *testing.T) {
	for _, hash := range []string{
		"", "$", "$$", "x", "plain$salt$hash", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "scrypt$salt$", "scrypt:1:2$s$00", "scrypt:3:8:1$s$00",
		"scrypt:-2:8:1$s$00", "scrypt:1099511627776:8:1$s$00", "scrypt:16:1:1$s$zz", "scrypt:16:99999999:1$s$00", "pbkdf2:sha257:1$s$00", "pbkdf2:sha256:0$s$00",
		"pbkdf2:sha256:x$s$00", "$argon2id$v=19$m=8,t=1,p=1$$", "$argon2id$v=18$m=8,t=1,p=1$c2FsdHNhbHQ$c3Vtc3Vt", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$c3Vtc3Vt",
		"$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$c3Vtc3Vt", "$argon2id$v=19$m=8,t=1,p=999$c2FsdHNhbHQ$c3Vtc3Vt", "$argon2id$v=19$m=1,t=1,p=4$c2FsdHNhbHQ$c3Vtc3Vt", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c3Vtc3Vt",
	} {
		require.False(t, security.CheckPassword(hash, ""), hash)
		require.False(t, security.CheckPassword(hash, "password"), hash)
		require.True(t, security.NeedsRehash(hash, security.Argon2id{}), hash)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	for _, method := range []security.PasswordMethod{
		security.Scrypt{N: 1000}, security.Scrypt{N: 1 << 40}, security.Scrypt{R: -1}, security.PBKDF2{HashName: "x"},
		security.PBKDF2{Iterations: -1}, security.Argon2id{Memory: 1}, security.Argon2id{Memory: 1 << 31},
	} {
		_, err := security.HashPasswordContext(t.Context(), method, "x")
		require.Error(t, err)
	}
}

var fiveDigits = regexp.MustCompile(`\d{5}`)

func FuzzCheckPassword(f *testing.F) {
	f.Add("scrypt:16:1:1$s$00")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$c3Vtc3Vt")
	f.Add("pbkdf2:sha256:2$s$00")
	f.Fuzz(func(t *testing.T, hash string) {
		if len(hash) > 60 || fiveDigits.MatchString(hash) {
			return // settings that would take very long
		}
		if method, _, _ := strings.Cut(hash, "$"); strings.HasPrefix(method, "pbkdf2") && strings.Count(method, ":") < 2 {
			return // its million iterations by default take seconds
		}
		require.False(t, security.CheckPassword(hash, "\x00 no password\xff"))
	})
}
