package requests

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrUnknown is returned by [Request.Curl] and [Request.Test] for a request that was not kept whole:
// its body is longer than 64 KiB, the program has not read it to its end, or its header is longer
// than 32 KiB.
var ErrUnknown = errors.New("the request is not known to its end: the program did not read all of its body, or it is longer than what is kept")

// ownFields belong to the connection, or the client sets them itself and knows better.
var ownFields = []string{"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Upgrade"}

// known returns [ErrUnknown] unless r can be sent again as it was.
func (r Request) known() error {
	if !r.Body.Known() || slices.ContainsFunc(r.Fields, func(f Field) bool { return f.Name == cutMark }) {
		return ErrUnknown
	}
	return nil
}

// Curl returns a command for a POSIX shell that sends the request:
//
//	curl 'http://127.0.0.1:5000/order' -X POST -H 'Content-Type: application/json' --data-raw '{"id":7}'
//
// Bytes that a terminal would not show, or take for a command, are written by printf. curl adds
// nothing by itself: fields that it would set are switched off where the request did not have them.
func (r Request) Curl() (string, error) {
	if err := r.known(); err != nil {
		return "", err
	}
	words := []string{"curl", quoted(r.Scheme + "://" + r.Host + escapedTarget(r.Target)), "--globoff", "--path-as-is"}
	if r.Target == "*" {
		words[1] = quoted(r.Scheme + "://" + r.Host + "/")
		words = append(words, "--request-target", quoted("*"))
	}
	hasBody := len(r.Body.Bytes) > 0
	switch {
	case r.Method == "HEAD" && !hasBody:
		words = append(words, "--head")
	case r.Method != "GET" || hasBody:
		words = append(words, "-X", quoted(r.Method))
	}
	for _, f := range r.Fields {
		switch {
		case slices.Contains(ownFields, f.Name):
		case f.Value == "":
			words = append(words, "-H", quoted(f.Name+";"))
		default:
			words = append(words, "-H", quoted(f.Name+": "+f.Value))
		}
	}
	unset := []string{"User-Agent", "Accept"}
	if hasBody {
		unset = append(unset, "Content-Type", "Expect")
	}
	for _, name := range unset {
		if !slices.ContainsFunc(r.Fields, func(f Field) bool { return f.Name == name }) {
			words = append(words, "-H", quoted(name+":"))
		}
	}
	if field(r.Fields, "Accept-Encoding") != "" {
		words = append(words, "--compressed")
	}
	if !hasBody {
		return strings.Join(words, " "), nil
	}
	if body := string(r.Body.Bytes); printable(body) && len(body) < maxWord {
		return strings.Join(append(words, "--data-raw", quoted(body)), " "), nil
	}
	return "printf " + octal(string(r.Body.Bytes)) + " | " + strings.Join(append(words, "--data-binary", "@-"), " "), nil
}

// maxWord is how long a word may be that is passed to a program, in bytes: Linux takes 128 KiB.
const maxWord = 100 << 10

// escapedTarget returns an equivalent target in visible ASCII.
func escapedTarget(target string) string {
	var b strings.Builder
	for _, c := range []byte(target) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// quoted is a string as one word of a POSIX shell.
func quoted(text string) string {
	if !printable(text) {
		return `"$(printf ` + octal(text) + `)"`
	}
	if text != "" && strings.IndexFunc(text, func(c rune) bool { return !isPlain(c) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// isPlain reports whether a shell takes a character as it is, wherever it stands.
func isPlain(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:@,+", c)
}

// octal is a string in the format of printf: '\303\274'.
func octal(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, c := range []byte(text) {
		if c < utf8.RuneSelf && (isPlain(rune(c)) || c == ' ') && (c != '-' || b.Len() > 1) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// printable reports whether a terminal shows all of a string as it is. It must be valid UTF-8,
// without control characters except newlines, and without characters that hide or turn the text
// around them.
func printable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, c := range text {
		if c != '\n' && !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}
