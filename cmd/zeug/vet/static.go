package vet

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
)

// export is a part of the static files.
type export struct {
	prefix string
	files  map[string]string
	known  bool
	disk   bool // files may come while the program runs
}

// findExports finds what zeug.Static, zeug.StaticExport and staticfiles.SharedData export.
func (p *program) findExports() {
	for _, c := range p.sites {
		if p.zeugName(c.CallExpr) != "zeug.Static" || len(c.Args) != 3 {
			continue
		}
		scopes, _ := p.scopesOf(c.Args, 0)
		for _, s := range scopes {
			prefix, ok := p.text(bound{c.Args[0], s, 0})
			f, known := p.folderOf(bound{c.Args[1], s, 0})
			dir, ok2 := p.text(bound{c.Args[2], s, 0})
			p.addExport(prefix.text, f, dir.text, c.Args[2], ok && known && ok2)
		}
	}
	for _, lit := range p.exportLiterals {
		p.exportLiteral(lit)
	}
}

func (p *program) exportLiteral(lit *ast.CompositeLit) {
	get := func(name string) (string, ast.Expr, bool) {
		f, ok := p.field(lit, name)
		if !ok {
			return "", nil, true
		}
		text, known := p.text(bound{f, nil, 0})
		return text.text, f, known
	}
	prefix, _, ok := get("Prefix")
	dir, dirAt, ok2 := get("Dir")
	_, file, _ := get("File")
	_, zip, _ := get("Zip")
	known := ok && ok2 && file == nil && zip == nil
	for _, limit := range []string{"Allow", "Hide", "Allowed"} {
		if _, limited := p.field(lit, limit); limited {
			known = false
		}
	}
	f, isFS := folder{}, false
	if fsys, ok := p.field(lit, "FS"); ok {
		f, isFS = p.folderOf(bound{fsys, nil, 0})
		known = known && isFS
	} else if known {
		f, known = p.onDisk(dir)
		dir = ""
	}
	if dirAt == nil {
		dirAt = lit
	}
	p.addExport(prefix, f, dir, dirAt, known)
}

func (p *program) addExport(prefix string, f folder, dir string, at ast.Expr, known bool) {
	e := &export{prefix: strings.TrimRight(prefix, "/"), known: known, disk: f.embed == nil}
	p.exports = append(p.exports, e)
	if !known {
		p.skip(at.Pos(), "the folder of static files cannot be followed, so that their names are not checked")
		return
	}
	if dir != "" && dir != "." {
		f = f.in(dir)
	}
	e.files = f.files(p.overlay)
	e.known = p.checkFolder(f, at, e.files)
}

// checkStatic checks the names of static files in Go.
func (p *program) checkStatic() {
	for _, c := range p.sites {
		at := -1
		switch p.zeugName(c.CallExpr) {
		case "zeug.Request.StaticURL", "staticfiles.Shared.URL":
			at = 0
		case "staticfiles.Shared.URLFor", "staticfiles.Shared.StaticURL":
			at = 1
		}
		if at < 0 || at >= len(c.Args) {
			continue
		}
		scopes, _ := p.scopesOf(c.Args[at:at+1], 0)
		for _, s := range scopes {
			names, complete := p.strings(bound{c.Args[at], s, 0})
			if !complete {
				p.skip(c.Pos(), "the name of the static file cannot be followed")
			}
			for _, n := range names {
				p.checkStaticName(n.text, n.at)
			}
		}
	}
}

// checkStaticName reports a static file that no export has.
func (p *program) checkStaticName(name string, at ast.Node) {
	if len(p.exports) == 0 || !p.closed {
		return
	}
	var known []string
	disk := false
	for _, e := range p.exports {
		if !e.known {
			disk = true
			continue
		}
		below, whole := name, strings.HasPrefix(name, "/")
		if whole {
			var ok bool
			if below, ok = strings.CutPrefix(name, e.prefix+"/"); !ok {
				continue
			}
		}
		if _, ok := e.files[path.Clean(below)]; ok {
			return
		}
		disk = disk || e.disk
		for file := range maps.Keys(e.files) {
			if whole {
				file = e.prefix + "/" + file
			}
			known = append(known, file)
		}
	}
	slices.Sort(known)
	hint := didYouMean(name, known)
	if disk && nearest(name, known) == "" { // it may come later
		return
	}
	p.reportName(at, Static, nearest(name, known), "there is no static file %q%s", name, hint)
}
