package staticfiles

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Export says where the files under a URL prefix are. FS, Zip, or neither select the place; Dir or
// File select which part of it is exported.
//
//	{Prefix: "/static", Dir: "assets"}                        a directory
//	{Prefix: "/favicon.ico", File: "assets/favicon.ico"}      a single file
//	{Prefix: "/admin/static", FS: embedded, Dir: "static"}    of an embed.FS
//	{Prefix: "/docs", Zip: "docs.zip"}                        of a zip file
//
// Whatever the place, these are never answered: directories, names with a segment that starts with
// a dot (but see Dotfiles), and files outside, in whatever way the name is written and wherever a
// symbolic link points. A link to a file that the export does not show is not answered either. If
// an FS follows links itself and does not implement [fs.ReadLinkFS], it is responsible for them.
type Export struct {
	// Prefix is the path of the URLs, percent-encoded, below the mount of the
	// middleware; "" or "/" exports to the root. Slashes at its end are ignored.
	Prefix string

	// Dir is a directory. If FS or Zip is set, it is a directory inside of it, by default its root.
	// Otherwise it is a directory of the system, relative to the working directory.
	Dir string
	// File is a single file; Prefix itself is its URL.
	File string
	// FS is any file system. Files without a date, such as embedded ones, are assumed never to
	// change, and their validator is made from their content.
	FS fs.FS
	// Zip is the path of a zip file.
	Zip string

	// Allow, if it is not empty, names the only files that are served, and Hide names files that
	// are not. Both are globs on the name below the export: "*" and "?" match within a segment, and
	// "**" matches any number of segments. A glob without a slash, such as "*.map", is matched
	// against each segment. A glob with a slash, such as "private/*.txt" or "/index.txt", is
	// matched against the whole name. If a directory is hidden, so is its content, and if a file is
	// hidden, so are its precompressed forms: "*.map" also hides x.map.gz. Hide ignores case, since
	// some file systems do.
	Allow, Hide []string
	// Allowed, if it is not nil, is also called for each request. It gets the name of the file
	// below the export (Werkzeug's is_allowed).
	Allowed func(name string) bool
	// Dotfiles also serves names with segments that start with a dot.
	Dotfiles bool

	// Index is the file that is served for a directory, "index.html"; "" leaves directories to the
	// application. A request for a directory without its slash is redirected to it.
	Index string
	// NotFound answers 404 if the export has no such file, and 405 to methods other than GET and
	// HEAD, instead of passing the request on.
	NotFound bool

	// CacheControl is the value of that field for plain names; "" means
	// "no-cache": clients keep the file and ask whether it changed.
	// Fingerprinted names always answer "public, max-age=31536000, immutable".
	CacheControl string
	// Types overrides [ContentType] by extension: {".md": "text/plain"}. The
	// extension "" stands for names without an extension, or with an unknown
	// one (Werkzeug's fallback_mimetype).
	Types map[string]string
	// Header is added to every response with a file, and to a 304: Access-Control-Allow-Origin,
	// Content-Security-Policy. Fields that a file sets itself are refused.
	Header http.Header
}

// ownFields are the fields that an export's Header must not have, because the
// response would contradict itself, and what to set instead.
var ownFields = map[string]string{
	"Content-Type": "set Types", "Cache-Control": "set CacheControl", "Content-Length": "leave it out", "Content-Range": "leave it out",
	"Content-Encoding": "leave it out", "Transfer-Encoding": "leave it out", "Accept-Ranges": "leave it out", "Etag": "leave it out", "Last-Modified": "leave it out",
}

// export is an Export that is ready to serve.
type export struct {
	Export
	source
	number int    // among the exports
	prefix string // decoded, without a slash at its end
	start  string // the prefix of all paths of the export
	single string // the name in source of an export of one file
	allow  globs
	hide   globs
	types  map[string]string
	// otherwise is the type of files whose extension no table has.
	otherwise string
}

const windows = runtime.GOOS == "windows"

func openExport(x Export, every time.Duration, logger *slog.Logger) (*export, error) {
	e := &export{Export: x}
	prefix, err := url.PathUnescape(strings.TrimRight(x.Prefix, "/"))
	if err != nil {
		return nil, fmt.Errorf("prefix: %w; write a percent sign as %%25", err)
	}
	if prefix != "" {
		prefix = "/" + strings.TrimPrefix(prefix, "/")
		if !servable(prefix[1:], false) {
			return nil, errors.New("prefix: it has empty segments, dots or backslashes, which no request has")
		}
	}
	e.prefix = prefix
	if e.allow, err = parseGlobs(x.Allow, false); err != nil {
		return nil, fmt.Errorf("Allow: %w", err)
	}
	if e.hide, err = parseGlobs(x.Hide, true); err != nil {
		return nil, fmt.Errorf("Hide: %w", err)
	}
	if x.Index != "" && (!servable(x.Index, false) || strings.Contains(x.Index, "/")) {
		return nil, fmt.Errorf("Index: %q is not the name of a file", x.Index)
	}
	e.types = make(map[string]string, len(x.Types))
	for ext, t := range x.Types {
		if strings.ContainsAny(t, "\r\n\x00") {
			return nil, fmt.Errorf("Types: %s: line breaks cannot be sent", ext)
		}
		if ext = strings.ToLower(strings.TrimPrefix(ext, ".")); ext == "" {
			e.otherwise = withCharset(t)
			continue
		}
		e.types["."+ext] = withCharset(t)
	}
	for name, values := range x.Header {
		if http.CanonicalHeaderKey(name) != name {
			return nil, fmt.Errorf("Header: write %q as %q", name, http.CanonicalHeaderKey(name))
		}
		if instead, ok := ownFields[name]; ok {
			return nil, fmt.Errorf("Header: %s is made for each file: %s", name, instead)
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("Header: %s: line breaks cannot be sent", name)
			}
		}
	}
	if strings.ContainsAny(x.CacheControl, "\r\n\x00") {
		return nil, errors.New("CacheControl: line breaks cannot be sent")
	}
	if e.start = e.prefix; e.File != "" {
		e.start = strings.TrimSuffix(e.prefix, path.Ext(e.prefix)) // a fingerprint may follow
	}
	return e, e.openSource(every, logger)
}

func (e *export) openSource(every time.Duration, logger *slog.Logger) (err error) {
	switch {
	case e.FS != nil && e.Zip != "":
		return errors.New("FS and Zip are both set: make two exports of it")
	case e.Dir != "" && e.File != "":
		return errors.New("Dir and File are both set: make two exports of it")
	case e.File != "" && e.prefix == "":
		return errors.New("a single file needs a prefix: its URL")
	}
	dir := e.Dir
	if e.File != "" {
		file := filepath.ToSlash(e.File)
		dir, e.single = path.Dir(file), path.Base(file)
	}
	switch {
	case e.FS != nil:
		t := tree{e.FS}
		if dir != "" {
			t.FS, err = subdirectory(e.FS, dir)
		}
		if err == nil {
			_, err = fs.Stat(t.FS, ".")
		}
		e.source = t
	case e.Zip != "":
		e.source, err = newArchive(e.Zip, dir, every, logger)
	case dir != "":
		e.source, err = openDirectory(filepath.FromSlash(dir), every, logger)
	default:
		return errors.New("nothing is exported: set Dir, File, FS or Zip")
	}
	if err != nil {
		return e.missing(err)
	}
	if e.single != "" {
		f, err := e.open(e.single)
		if err != nil {
			e.source.Close()
			return e.missing(err)
		}
		f.Close()
	}
	return nil
}

// missing says which part of the export does not exist, and where it was searched.
func (e *export) missing(err error) error {
	what := fmt.Sprintf("directory %q", e.Dir)
	if e.File != "" {
		what = fmt.Sprintf("file %q", e.File)
	}
	switch {
	case e.FS != nil:
		what += " of the FS"
	case e.Zip != "":
		what += fmt.Sprintf(" of the zip file %q", e.Zip)
	}
	if e.FS == nil && !filepath.IsAbs(e.Dir+e.File+e.Zip) {
		if wd, wdErr := os.Getwd(); wdErr == nil {
			what += fmt.Sprintf(" in %q", wd)
		}
	}
	if e.FS == nil && e.Zip == "" {
		info, statErr := os.Stat(filepath.FromSlash(e.Dir + e.File))
		switch {
		case statErr != nil:
		case e.Dir != "" && info.Mode().IsRegular():
			return fmt.Errorf("%s is a file: set File instead of Dir", what)
		case e.File != "" && info.IsDir():
			return fmt.Errorf("%s is a directory: set Dir instead of File", what)
		}
	}
	return fmt.Errorf("%s: %w; create it or correct the export", what, err)
}

// match returns the name below the export for the path of a request. It may be
// "", end with a slash, or be a name that cannot be served.
func (e *export) match(path string) (name string, ok bool) {
	if !strings.HasPrefix(path, e.prefix) {
		if e.single != "" {
			return e.matchFingerprint(path)
		}
		return "", false
	}
	rest := path[len(e.prefix):]
	switch {
	case e.single != "":
		if rest == "" {
			return e.single, true
		}
		return e.matchFingerprint(path)
	case rest == "":
		return "", true
	case rest[0] == '/':
		return rest[1:], true
	}
	return "", false
}

// matchFingerprint does what match does, for the fingerprinted URL of a single file.
func (e *export) matchFingerprint(path string) (name string, ok bool) {
	plain, sum, found := cutFingerprint(path)
	if found && plain == e.prefix {
		return addFingerprint(e.single, sum), true
	}
	return "", false
}

// shows reports whether the export may serve a file of this name.
func (e *export) shows(name string) bool {
	if !servable(name, windows) || !e.Dotfiles && hasDotfile(name) {
		return false
	}
	if e.hides(name) {
		return false
	}
	if len(e.allow) > 0 && !e.allow.match(name) {
		return false
	}
	return e.allows(name)
}

// hides reports whether the export's Hide applies to a file. If it applies to a
// file, it also applies to its precompressed forms, which have the same
// content.
func (e *export) hides(name string) bool {
	if len(e.hide) == 0 {
		return false
	}
	name = strings.ToLower(name)
	for {
		if e.hide.covers(name) {
			return true
		}
		plain := name
		for _, suffix := range codingSuffixes {
			plain = strings.TrimSuffix(plain, suffix)
		}
		if plain == name {
			return false
		}
		name = plain
	}
}

// allows calls the application's function. It is called for every request, because the result may
// change.
func (e *export) allows(name string) bool { return e.Allowed == nil || e.Allowed(name) }

func (e *export) contentType(name string) string {
	if len(e.types) > 0 {
		if t := e.types[strings.ToLower(path.Ext(name))]; t != "" {
			return t
		}
	}
	if e.otherwise != "" && lookupType(name) == "" {
		return e.otherwise
	}
	return typeOf(name)
}
