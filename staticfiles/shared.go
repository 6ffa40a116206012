package staticfiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// Shared is a [SharedData] whose exports are open. It is safe for concurrent
// use.
type Shared struct {
	exports     []*export
	development bool
	revalidate  time.Duration
	memory      int64
	maxFile     int64
	encoders    [codings]*Encoder
	refusing    bool // some export has NotFound set
	logger      *slog.Logger

	resources   *cache[*resource]
	digests     *cache[*digest]
	seals       *seals
	openFiles   openFiles
	preferences preferences
	mounts      mounts
}

// Open opens the exports. Its error names each export that cannot be served, where it is, and the
// reason.
func (d SharedData) Open() (*Shared, error) {
	s := &Shared{
		development: d.Development,
		logger:      d.Logger,
		revalidate:  limits.Duration(d.Revalidate, defaultRevalidate),
		memory:      limits.Number(d.Memory, defaultMemory),
		maxFile:     limits.Number(d.MaxFile, defaultMaxFile),
	}
	if s.development {
		s.revalidate = 0
	}
	s.maxFile = min(s.maxFile, s.memory/2)
	s.resources = newCache[*resource](s.memory, s.maxFile)
	s.digests = newCache[*digest](max(s.memory/16, 1<<20), 1<<10)
	s.seals = &seals{budget: s.memory / 4}
	var errs []error
	for i, x := range d.Exports {
		e, err := openExport(x, s.revalidate, s.log(context.Background()))
		if err != nil {
			errs = append(errs, fmt.Errorf("staticfiles: export %d (%q): %w", i, x.Prefix, err))
			continue
		}
		e.number = i
		s.exports = append(s.exports, e)
		s.refusing = s.refusing || x.NotFound
	}
	for i := range d.Encoders {
		c := codingOf(d.Encoders[i].Coding)
		if c < 0 || d.Encoders[i].Encode == nil {
			errs = append(errs, fmt.Errorf("staticfiles: encoder %d: %q is not one of %v, or has no Encode", i, d.Encoders[i].Coding, codingNames))
			continue
		}
		s.encoders[c] = &d.Encoders[i]
	}
	if errs != nil {
		s.Close()
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// Close closes the exports. It does not wait for requests. Call it after the
// server has stopped, since a running request may find no file any more.
func (s *Shared) Close() error {
	s.openFiles.Close()
	var errs []error
	for _, e := range s.exports {
		errs = append(errs, e.source.Close())
	}
	return errors.Join(errs...)
}

// Wrap returns a handler that serves the exported files and passes all other
// requests to next: requests with other methods than GET and HEAD, and requests
// for which there is no file.
func (s *Shared) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.serve(w, r) {
			s.mounts.note(r)
			next.ServeHTTP(w, r)
		}
	})
}

// log returns the logger of the settings, or the server's logger in ctx. ctx may be nil.
func (s *Shared) log(ctx context.Context) *slog.Logger {
	if s.logger != nil {
		return s.logger
	}
	return serverlog.From(ctx)
}

// serve reports whether it answered.
func (s *Shared) serve(w http.ResponseWriter, r *http.Request) bool {
	if !s.concerned(r.URL.Path) {
		return false
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reading && (r.URL.RawPath == "" || !slashesHidden(r.URL.RawPath)) {
		err := s.find(w, r)
		switch {
		case err == nil:
			return true
		case exhausted(err), errors.Is(err, errChanging):
			httperror.Respond(w, r, &httperror.Error{Code: httperror.ServiceUnavailable, Err: fmt.Errorf("static file: %w", err)})
			return true
		case errors.Is(err, errUnreadable):
			httperror.Respond(w, r, fmt.Errorf("static file: %w", err))
			return true
		case errors.Is(err, fs.ErrPermission):
			s.log(r.Context()).WarnContext(r.Context(), "static files: a file may not be read", "path", r.URL.Path, "err", err)
		}
	}
	return s.refusing && s.refuse(w, r)
}

// find answers the request with a file. The error says why there is no file, and then nothing was
// sent. If a file is replaced between two checks, it is searched again.
func (s *Shared) find(w http.ResponseWriter, r *http.Request) (err error) {
	for range 4 {
		var res *resource
		if res, err = s.resource(r.URL.Path); errors.Is(err, errChanging) {
			continue
		} else if err != nil {
			return err
		}
		if res.redirect != "" {
			redirect(w, r, res.redirect)
			return nil
		}
		if err = s.answer(w, r, res); err == nil {
			return nil
		}
		s.resources.remove(res.path)
	}
	return err
}

// refuse answers for the first export that has NotFound set and has the prefix.
func (s *Shared) refuse(w http.ResponseWriter, r *http.Request) bool {
	for _, e := range s.exports {
		if _, ok := e.match(r.URL.Path); ok && e.NotFound {
			var err error = httperror.NotFound
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				err = &httperror.Error{Code: httperror.MethodNotAllowed, Header: http.Header{"Allow": {"GET, HEAD"}}}
			}
			httperror.Respond(w, r, err)
			return true
		}
	}
	return false
}

// concerned reports whether path is below any export.
func (s *Shared) concerned(path string) bool {
	for _, e := range s.exports {
		if strings.HasPrefix(path, e.start) {
			return true
		}
	}
	return false
}

// resource is the result for a path.
type resource struct {
	export *export
	name   string // below the export
	path   string // of the URL
	plain  *representation
	coded  [codings]codedForm
	// codable says that the file may have compressed forms. vary says that there is or will be one,
	// so the response depends on Accept-Encoding.
	codable, vary bool
	// checked is when the file was last checked.
	checked atomic.Int64
	// redirect is the target for a directory without its slash.
	redirect string
}

// fresh reports whether the known metadata of a file may be used without checking it. It returns
// false only once: that caller checks the file, and the other callers continue.
func (s *Shared) fresh(id identity, checked *atomic.Int64) bool {
	if !id.dated() && id.inode == 0 && id.sum == 0 {
		return true
	}
	last, t := checked.Load(), now()
	return t-last < int64(s.revalidate) || !checked.CompareAndSwap(last, t)
}

// resource returns the result for path, from memory if that is fresh.
func (s *Shared) resource(path string) (*resource, error) {
	if !s.development {
		if res, ok := s.resources.get(path); ok {
			if !res.export.allows(res.name) {
				return s.load(path)
			}
			if s.fresh(res.plain.id, &res.checked) || s.unchanged(res) {
				return res, nil
			}
			s.resources.remove(path)
		}
	}
	return s.load(path)
}

// load searches the exports in order for the file of a path.
func (s *Shared) load(path string) (*resource, error) {
	var failed error = fs.ErrNotExist
	for _, e := range s.exports {
		name, ok := e.match(path)
		if !ok {
			continue
		}
		res, err := s.loadFrom(e, name, path)
		if err == nil {
			return res, nil
		}
		if exhausted(err) || errors.Is(err, errChanging) || errors.Is(err, errUnreadable) {
			return nil, err
		}
		if errors.Is(err, fs.ErrPermission) {
			failed = err
		}
	}
	return nil, failed
}

func (s *Shared) loadFrom(e *export, name, path string) (*resource, error) {
	if name == "" || strings.HasSuffix(name, "/") {
		if e.Index == "" {
			return nil, fs.ErrNotExist
		}
		if name == "" && path != "" && !strings.HasSuffix(path, "/") {
			return &resource{redirect: path}, nil
		}
		name += e.Index
	}
	if !e.shows(name) {
		return nil, fs.ErrNotExist
	}
	f, err := e.openShown(name)
	if err == nil {
		return s.build(e, name, path, f, false)
	}
	if errors.Is(err, errNotRegular) {
		if e.Index != "" && e.shows(name+"/"+e.Index) {
			if info, err := e.statShown(name + "/" + e.Index); err == nil && info.Mode().IsRegular() {
				return &resource{redirect: path}, nil
			}
		}
		return nil, err
	}
	plain, sum, ok := cutFingerprint(name)
	if !ok || !e.shows(plain) {
		return nil, err
	}
	d, err := s.fingerprint(e, plain)
	if err != nil {
		return nil, err
	}
	if d.mark != sum {
		return nil, fs.ErrNotExist
	}
	if f, err = e.openShown(plain); err != nil {
		return nil, err
	}
	if f.id != d.id {
		f.Close()
		return nil, errChanging
	}
	return s.build(e, plain, path, f, true)
}

// unchanged checks the file again, and also the exports that would take
// precedence if they had the file now.
func (s *Shared) unchanged(res *resource) bool {
	for _, e := range s.exports {
		if e == res.export {
			break
		}
		if name, ok := e.match(res.path); ok && e.shows(name) {
			if info, err := e.stat(name); err == nil && info.Mode().IsRegular() {
				return false
			}
		}
	}
	same := func(name string, id identity) bool {
		info, err := res.export.stat(name)
		return err == nil && info.Mode().IsRegular() && identityOf(info) == id
	}
	if !same(res.name, res.plain.id) {
		return false
	}
	for c := range res.coded {
		if sibling := res.coded[c].sibling; sibling != nil {
			if !same(sibling.name, sibling.id) {
				return false
			}
		} else if res.codable {
			if _, err := res.export.stat(res.name + codingSuffixes[c]); err == nil {
				return false
			}
		}
	}
	return true
}

// redirect redirects a client to a directory's URL with a slash. The reference
// is relative to the last segment, so it is right below any mount.
func redirect(w http.ResponseWriter, r *http.Request, from string) {
	to := url.URL{Path: "./" + path.Base(from) + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusPermanentRedirect)
}
