package reload

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// effect is the action that a change of a file needs.
type effect int

const (
	nothing   effect = iota
	refresh          // reload the pages in the browser
	restyle          // reload only their style sheets
	restart          // restart the program
	recompile        // rebuild the program, and restart it
)

// scope is the set of watched folders, and the effects of changes in them.
type scope struct {
	dirs     map[string]bool   // folders to watch, without their subfolders
	files    map[string]effect // single files
	goDirs   map[string]bool   // folders of packages
	embedded []embedding
	extra    []string // files and folders whose changes restart
	globs    []glob   // patterns of files whose changes restart
	assets   []string // folders whose changes refresh, unless a file has another rule
	declared []string // folders whose changes refresh, unless another rule applies
	exclude  []*regexp.Regexp
}

// embedding is a pattern of go:embed.
type embedding struct{ dir, pattern string }

// assetDirs are the folders, beside a program's packages, with files that a
// program reads while it runs.
var assetDirs = []string{"templates", "static"}

// newScope returns the scope for s, with the user's additions: files, folders and patterns that
// restart, folders that refresh, patterns of files to ignore. Relative names are below dir.
func newScope(dir string, s *sources, watch, assets, exclude []string) *scope {
	sc := &scope{dirs: map[string]bool{}, files: map[string]effect{}, goDirs: map[string]bool{}}
	for _, pattern := range exclude {
		sc.exclude = append(sc.exclude, fnmatch(pattern))
	}
	absolute := func(name string) string {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return filepath.Clean(name)
	}
	for _, name := range s.files {
		sc.files[name] = recompile
		sc.dirs[filepath.Dir(name)] = true
	}
	for _, p := range s.packages {
		sc.dirs[p.Dir], sc.goDirs[p.Dir] = true, true
		for _, names := range [][]string{p.CFiles, p.CXXFiles, p.HFiles, p.SFiles, p.EmbedFiles} {
			for _, name := range names {
				file := filepath.Join(p.Dir, name)
				sc.files[file] = recompile
				sc.dirs[filepath.Dir(file)] = true
			}
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.HFiles, p.SFiles) {
			sc.link(filepath.Join(p.Dir, name))
		}
		for _, pattern := range p.EmbedPatterns {
			sc.embed(p.Dir, strings.TrimPrefix(pattern, "all:"))
		}
		for _, name := range assetDirs {
			sc.addAssets(filepath.Join(p.Dir, name))
		}
	}
	for _, name := range assets {
		sc.declared = append(sc.declared, absolute(name))
		sc.tree(absolute(name))
	}
	for _, name := range watch {
		name = absolute(name)
		if strings.ContainsAny(name, "*?[") {
			sc.globs = append(sc.globs, newGlob(name))
			sc.tree(constantDir(name))
			continue
		}
		sc.extra = append(sc.extra, name)
		sc.dirs[filepath.Dir(name)] = true // even if the file does not exist yet
		sc.tree(name)
	}
	return sc
}

// link watches the target of a link, if the file is one.
func (sc *scope) link(file string) {
	if info, err := os.Lstat(file); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return
	}
	if target, err := filepath.EvalSymlinks(file); err == nil {
		sc.files[target] = recompile
		sc.dirs[filepath.Dir(target)] = true
	}
}

func (sc *scope) addAssets(dir string) {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		sc.assets = append(sc.assets, dir)
		sc.tree(dir)
	}
}

func (sc *scope) embed(dir, pattern string) {
	sc.embedded = append(sc.embedded, embedding{dir, pattern})
	sc.tree(constantDir(filepath.Join(dir, pattern)))
}

// constantDir is the folder of a pattern above its first wildcard.
func constantDir(pattern string) string {
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		return filepath.Dir(pattern[:i] + "x")
	}
	return pattern
}

// tree watches root, which may be a link to a folder, and the folders below it, except hidden ones
// and folders of other ecosystems such as node_modules.
func (sc *scope) tree(root string) {
	filepath.WalkDir(root+string(filepath.Separator), func(name string, d fs.DirEntry, err error) error {
		name = filepath.Clean(name)
		switch {
		case err != nil || !d.IsDir():
			return nil
		case name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") || sc.excluded(name):
			return fs.SkipDir
		}
		sc.dirs[name] = true
		return nil
	})
}

// effect returns the effect of a change of the file name.
func (sc *scope) effect(name string) effect {
	base := filepath.Base(name)
	if sc.excluded(name) {
		return nothing
	}
	if e := sc.asset(sc.declared, name); e != nothing {
		return e
	}
	if e, ok := sc.files[name]; ok {
		return e
	}
	// Editors write a second file before they replace the first.
	if strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") || strings.HasPrefix(base, "#") {
		return nothing
	}
	if sc.goDirs[filepath.Dir(name)] && strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") && !strings.HasPrefix(base, "_") {
		return recompile
	}
	for _, e := range sc.embedded {
		if e.matches(name) {
			return recompile
		}
	}
	for _, extra := range sc.extra {
		if within(extra, name) {
			return restart
		}
	}
	for _, glob := range sc.globs {
		if glob.names.MatchString(filepath.ToSlash(name)) {
			return restart
		}
	}
	return sc.asset(sc.assets, name)
}

// asset returns the effect of a change of a file in one of these folders.
func (sc *scope) asset(dirs []string, name string) effect {
	base := filepath.Base(name)
	for _, dir := range dirs {
		if !within(dir, name) || strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") {
			continue
		}
		if filepath.Ext(name) == ".css" {
			return restyle
		}
		return refresh
	}
	return nothing
}

// glob is a pattern of whole paths, in which "**/" stands for any folders.
type glob struct {
	dir   string // the folder above its first wildcard
	names *regexp.Regexp
}

func newGlob(pattern string) glob {
	parts := strings.Split(filepath.ToSlash(pattern), "**/")
	for i, part := range parts {
		parts[i] = translated(part, `[^/]`)
	}
	return glob{constantDir(pattern), compiled(strings.Join(parts, `(?:.*/)?`), pattern)}
}

// matches reports whether the pattern embeds name, either itself or with one of
// the folders that it is in.
func (e embedding) matches(name string) bool {
	rel, err := filepath.Rel(e.dir, name)
	if err != nil {
		return false
	}
	for rel = filepath.ToSlash(rel); rel != "." && rel != "/" && !strings.HasPrefix(rel, "../"); rel = path.Dir(rel) {
		if ok, err := path.Match(e.pattern, rel); ok && err == nil {
			return true
		}
	}
	return false
}

func within(dir, name string) bool {
	return name == dir || strings.HasPrefix(name, dir+string(filepath.Separator))
}

func (sc *scope) excluded(name string) bool {
	for _, pattern := range sc.exclude {
		if pattern.MatchString(name) || pattern.MatchString(filepath.Base(name)) {
			return true
		}
	}
	return false
}

// fnmatch compiles a shell pattern in which "*" also matches slashes, as in
// Werkzeug's exclude_patterns.
func fnmatch(pattern string) *regexp.Regexp { return compiled(translated(pattern, "."), pattern) }

// compiled matches whole names with an expression. If the expression is not valid, it compares
// names with the pattern literally.
func compiled(expression, pattern string) *regexp.Regexp {
	re, err := regexp.Compile(`(?s)\A` + expression + `\z`)
	if err != nil {
		return regexp.MustCompile(`\A` + regexp.QuoteMeta(pattern) + `\z`)
	}
	return re
}

// translated turns a shell pattern into a regular expression, in which
// character is what a wildcard matches.
func translated(pattern, character string) string {
	var re strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			re.WriteString(character + "*")
		case '?':
			re.WriteString(character)
		case '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end < 1 {
				re.WriteString(`\[`)
				continue
			}
			set := pattern[i+1 : i+1+end]
			if set[0] == '!' {
				set = "^" + set[1:]
			}
			re.WriteString("[" + strings.ReplaceAll(set, `\`, `\\`) + "]")
			i += end + 1
		default:
			re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return re.String()
}
