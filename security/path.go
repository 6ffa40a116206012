package security

import (
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// SafeJoin joins a trusted directory and parts of a path that come from a client. It reports false
// if the result would not stay below the directory: if a part is absolute, leads above it, or holds
// a NUL. On Windows a backslash, a colon, or the name of a device in a part is refused too. Each
// part is cleaned ("a/./b", "a/../b") and checked separately; an empty part is skipped. An empty
// directory is the current one.
//
// It looks at names only. A symbolic link below the directory may lead out of
// it: open what you serve through an [os.Root].
func SafeJoin(directory string, parts ...string) (string, bool) {
	if directory == "" {
		directory = "."
	}
	joined := directory
	for _, part := range parts {
		if part == "" {
			continue
		}
		if strings.HasPrefix(part, "/") || strings.IndexByte(part, 0) >= 0 {
			return "", false
		}
		part = path.Clean(part)
		if part == ".." || strings.HasPrefix(part, "../") {
			return "", false
		}
		if runtime.GOOS == "windows" && !isLocalOnWindows(part) {
			return "", false
		}
		if !strings.HasSuffix(joined, "/") {
			joined += "/"
		}
		joined += part
	}
	return joined, true
}

// isLocalOnWindows checks a cleaned path with slashes as Windows will read it.
func isLocalOnWindows(part string) bool {
	if strings.ContainsAny(part, `\:`) || !filepath.IsLocal(filepath.FromSlash(part)) {
		return false
	}
	for segment := range strings.SplitSeq(part, "/") {
		if isDevice(segment) {
			return false
		}
	}
	return true
}

// isDevice reports whether Windows reads the name of a file as a device, with
// any extension and any spaces around it.
func isDevice(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	name = strings.ToUpper(strings.TrimSpace(name))
	switch name {
	case "AUX", "CON", "CONIN$", "CONOUT$", "NUL", "PRN":
		return true
	}
	number, ok := strings.CutPrefix(name, "COM")
	if !ok {
		number, ok = strings.CutPrefix(name, "LPT")
	}
	return ok && len([]rune(number)) == 1 && strings.Contains("123456789¹²³", number)
}
