package staticfiles

import (
	"strings"
	"unicode/utf8"
)

// maxName is the length of the longest name that is searched, in bytes.
const maxName = 4096

// servable reports whether name can be a file below an export: segments between single slashes,
// none of them "." or "..". On every system, it must not contain a NUL or a backslash. On Windows,
// names that the file system interprets as other names are refused too: streams and drives ("a:b"),
// devices ("NUL.txt"), endings that it drops ("a.txt.", "a.txt "), short names ("SECRET~1").
func servable(name string, windows bool) bool {
	if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." || windows && !windowsKeeps(segment) {
			return false
		}
	}
	return true
}

// windowsKeeps reports whether Windows uses the segment exactly as it is written.
func windowsKeeps(segment string) bool {
	if strings.ContainsAny(segment, `<>:"|?*`) || strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ") {
		return false
	}
	for i := range len(segment) {
		if segment[i] < 0x20 || segment[i] == '~' && i+1 < len(segment) && '0' <= segment[i+1] && segment[i+1] <= '9' {
			return false
		}
	}
	stem, _, _ := strings.Cut(segment, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return false
	}
	for _, device := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(stem, device); ok {
			switch n {
			case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
				return false
			}
		}
	}
	return true
}

// hasDotfile reports whether a segment of name starts with a dot.
func hasDotfile(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// slashesHidden reports whether a path as it was sent has escaped slashes or
// backslashes. If they were decoded, they would look like separators that the
// client did not write.
func slashesHidden(escaped string) bool {
	for {
		i := strings.IndexByte(escaped, '%')
		if i < 0 || len(escaped) < i+3 {
			return false
		}
		switch escaped[i+1 : i+3] {
		case "2F", "2f", "5C", "5c":
			return true
		}
		escaped = escaped[i+1:]
	}
}
