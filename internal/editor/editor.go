// Package editor makes links that open a source file in the editor of the developer.
package editor

import (
	"cmp"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Pattern returns the pattern of the links: own, the environment variable ZEUG_EDITOR, or that of
// Visual Studio Code.
func Pattern(own string) string {
	return cmp.Or(own, os.Getenv("ZEUG_EDITOR"), "vscode://file/{file}:{line}")
}

// Link replaces {file}, {line} and {column} in a pattern. It returns "" if the pattern is "off" or
// would be a script, or if the path of the file is not absolute.
func Link(pattern, file string, line, column int) template.URL {
	if pattern == "off" || !filepath.IsAbs(file) {
		return ""
	}
	// All parts of the path stay in it, whether it is a path or an argument in the link.
	var path strings.Builder
	for _, c := range []byte(filepath.ToSlash(file)) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/:", c) >= 0 {
			path.WriteByte(c)
		} else {
			fmt.Fprintf(&path, "%%%02X", c)
		}
	}
	link := strings.NewReplacer("{file}", path.String(), "{line}", strconv.Itoa(line), "{column}", strconv.Itoa(max(1, column))).Replace(pattern)
	link = strings.Replace(link, "file//", "file/", 1)
	switch strings.ToLower(scheme.FindString(link)) {
	case "", "javascript:", "data:", "vbscript:", "blob:", "about:":
		return ""
	}
	return template.URL(link)
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
