package vet

import (
	"go/ast"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// embedded is a variable with go:embed.
type embedded struct {
	dir      string
	patterns []string
	at       ast.Node
}

// folder is a folder of files that a program reads.
type folder struct {
	dir   string    // on the disk
	embed *embedded // nil if the program reads from the disk
	sub   string    // within embed.dir
}

// findEmbeds notes the variables with go:embed.
func (w *walker) findEmbeds(d *ast.GenDecl) {
	for _, s := range d.Specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok {
			continue
		}
		doc := spec.Doc
		if doc == nil && len(d.Specs) == 1 {
			doc = d.Doc
		}
		if doc == nil {
			continue
		}
		e := &embedded{dir: w.pkg.Dir, at: doc}
		for _, c := range doc.List {
			if rest, ok := strings.CutPrefix(c.Text, "//go:embed "); ok {
				for _, pattern := range strings.Fields(rest) {
					e.patterns = append(e.patterns, strings.Trim(pattern, "\"`"))
				}
			}
		}
		for _, name := range spec.Names {
			if v, ok := w.info.Defs[name].(*types.Var); ok && len(e.patterns) > 0 {
				w.embeds[v] = e
			}
		}
	}
}

// folderOf returns the folder of a file system. If the expression has several values, it is the embedded one.
func (p *program) folderOf(b bound) (f folder, known bool) {
	list, _ := p.resolve(b)
	for _, v := range list {
		found, ok := p.folderAt(v)
		switch {
		case !ok:
		case found.embed != nil:
			return found, true
		case len(list) == 1:
			f, known = found, true
		}
	}
	return f, known
}

func (p *program) folderAt(b bound) (folder, bool) {
	if v := p.variable(b.expr); v != nil {
		if e := p.embeds[v]; e != nil {
			return folder{dir: e.dir, embed: e}, true
		}
		return folder{}, false
	}
	c, ok := b.expr.(*ast.CallExpr)
	if !ok {
		return folder{}, false
	}
	switch p.callee(c) {
	case "os.DirFS":
		if dir, ok := p.text(bound{c.Args[0], b.scope, 0}); ok {
			return p.onDisk(dir.text)
		}
	case "io/fs.Sub":
		f, known := p.folderOf(bound{c.Args[0], b.scope, 0})
		sub, ok := p.text(bound{c.Args[1], b.scope, 0})
		if known && ok {
			return f.in(sub.text), true
		}
	}
	return folder{}, false
}

// onDisk returns a folder that the program names. Programs are run from the folder of the main
// package, or from anywhere else. So the folder is known only if it exists there.
func (p *program) onDisk(dir string) (folder, bool) {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.packages[len(p.packages)-1].Dir, filepath.FromSlash(dir))
	}
	info, err := os.Stat(dir)
	return folder{dir: dir}, err == nil && info.IsDir()
}

func (f folder) in(sub string) folder {
	f.sub, f.dir = path.Join(f.sub, sub), filepath.Join(f.dir, filepath.FromSlash(sub))
	return f
}

// files returns the files of the folder: their names below it, with their paths.
func (f folder) files(overlay map[string][]byte) map[string]string {
	files := map[string]string{}
	add := func(name string) {
		if text, ok := overlay[name]; ok && text == nil {
			return
		}
		rel, err := filepath.Rel(f.dir, name)
		if err != nil || !fs.ValidPath(filepath.ToSlash(rel)) {
			return
		}
		if f.embed == nil || f.embed.has(path.Join(f.sub, filepath.ToSlash(rel))) {
			files[filepath.ToSlash(rel)] = name
		}
	}
	filepath.WalkDir(f.dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // an absent folder has no files
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if !entry.IsDir() {
			add(name)
		}
		return nil
	})
	for name, text := range overlay {
		if text != nil && strings.HasPrefix(name, f.dir+string(filepath.Separator)) {
			add(name)
		}
	}
	return files
}

// has reports whether a file is embedded.
func (e *embedded) has(name string) bool {
	return slices.ContainsFunc(e.patterns, func(pattern string) bool {
		pattern, all := strings.CutPrefix(pattern, "all:")
		for prefix, rest := name, ""; prefix != "."; prefix, rest = path.Dir(prefix), path.Join(path.Base(prefix), rest) {
			ok, err := path.Match(path.Clean(pattern), prefix)
			if pattern == "." {
				ok, rest = true, name
			}
			if err == nil && ok {
				return all || !hidden(rest)
			}
		}
		return false
	})
}

// hidden reports whether a name below an embedded folder is left out.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(s string) bool {
		return strings.HasPrefix(s, ".") || strings.HasPrefix(s, "_")
	})
}

// checkFolder reports a folder that the program does not have, and whether it has it.
func (p *program) checkFolder(f folder, at ast.Expr, files map[string]string) (there bool) {
	if len(files) > 0 || f.embed == nil || f.sub == "" || f.sub == "." {
		return true
	}
	if info, err := os.Stat(f.dir); err == nil && info.IsDir() {
		if len((folder{dir: f.dir}).files(p.overlay)) > 0 {
			p.report(at, Static, "the folder %q is not embedded: //go:embed has %s", f.sub, strings.Join(f.embed.patterns, " "))
		}
		return false
	}
	p.report(at, Static, "there is no folder %q%s", f.sub, didYouMean(f.sub, f.embed.patterns))
	return false
}
