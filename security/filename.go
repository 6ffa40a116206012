package security

import (
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// SecureFilename makes the name of an uploaded file safe to store, in ASCII, as Werkzeug does. It
// removes accents, and then all characters except letters, digits, "_", "." and "-". Separators and
// runs of spaces become one "_". Dots and underscores around the name are removed. On Windows the
// name of a device gets a "_" in front.
//
// The result may be empty, as it is for a name in another script, and two
// names may become the same. [UnicodeFilename] keeps every script.
func SecureFilename(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
	name = strings.ReplaceAll(name, "/", " ")
	if runtime.GOOS == "windows" {
		name = strings.ReplaceAll(name, `\`, " ")
	}
	name = strings.Join(strings.FieldsFunc(name, isASCIISpace), "_")
	name = strings.Map(func(r rune) rune {
		if isSafeASCII(r) {
			return r
		}
		return -1
	}, name)
	return guardDevice(strings.Trim(name, "._"))
}

// isASCIISpace includes the separators among the control characters.
func isASCIISpace(r rune) bool {
	return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
}

func isSafeASCII(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '.' || r == '-'
}

func guardDevice(name string) string {
	if runtime.GOOS == "windows" && isDevice(name) {
		return "_" + name
	}
	return name
}

// maxFilename is the maximum length of a name from [UnicodeFilename], in bytes:
// all current file systems accept that.
const maxFilename = 255

// UnicodeFilename makes the name of an uploaded file safe to store on any system and keeps its
// script: "日本.txt" is unchanged. Only the part after the last slash or backslash counts. The name
// is composed (NFC). Control characters, those that hide or turn the text around them, and
// `<>:"|?*` are dropped. Runs of spaces become one "_", and dots, underscores and dashes around it
// are removed. The name of a Windows device gets a "_" in front, on every system. A name longer
// than [maxFilename] bytes is cut before its extension.
//
// The result may be empty.
func UnicodeFilename(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), unicode.IsSpace), "_")
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !isJoiner(r) || strings.ContainsRune(`<>:"|?*`, r) {
			return -1
		}
		return r
	}, name)
	// A dropped character may have been between a letter and its accent, so the name is composed
	// afterwards.
	name = shorten(strings.Trim(norm.NFC.String(name), "._-"))
	if isDevice(name) {
		name = "_" + name
	}
	return name
}

// isJoiner reports whether r is one of the two invisible characters that some
// scripts need.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// shorten cuts a name between characters, and keeps its extension. One byte is reserved for a
// character in front.
func shorten(name string) string {
	const limit = maxFilename - 1
	if len(name) <= limit {
		return name
	}
	extension := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 32 {
		name, extension = name[:i], name[i:]
	}
	name = name[:limit-len(extension)]
	for !utf8.ValidString(name) {
		name = name[:len(name)-1]
	}
	return strings.TrimRight(name, "._-") + extension
}
