package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/wrappers"
)

// URLFor builds the URL that leads to an endpoint with these values, as seen
// from req.
type URLFor func(req *wrappers.Request, endpoint string, values map[string]any) (string, error)

// Static says where an application mounts its static files.
type Static struct {
	// Path is where they are mounted, "/static", below the root path of the
	// request.
	Path string
	// Files holds them.
	Files fs.FS
}

// urlFor is {{ url_for("endpoint", "name", value, …) }}.
func (run *rendering) urlFor(arguments ...*pongo2.Value) (string, error) {
	built, err := run.buildURL(arguments)
	if err != nil {
		run.cause = err
	}
	return built, err
}

func (run *rendering) buildURL(arguments []*pongo2.Value) (string, error) {
	if len(arguments) == 0 || !arguments[0].IsString() {
		return "", errors.New("url_for wants an endpoint's name first")
	}
	endpoint, pairs := arguments[0].String(), arguments[1:]
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("url_for(%q) wants names and values in pairs after the endpoint, and got %d arguments", endpoint, len(pairs))
	}
	values := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if !pairs[i].IsString() {
			return "", fmt.Errorf("url_for(%q): argument %d is a name and must be a text, not %v", endpoint, i+2, pairs[i].Interface())
		}
		values[pairs[i].String()] = pairs[i+1].Interface()
	}
	return run.environment.options.URLFor(run.request, endpoint, values)
}

// staticURL is {{ static_url("style.css") }}: the file's URL with a version
// that changes when its content does, so that it may be cached for good.
func (run *rendering) staticURL(name string) (string, error) {
	version, err := run.environment.static.of(name)
	if err != nil {
		run.cause = fmt.Errorf("static_url(%q): %w", name, err)
		return "", run.cause
	}
	mount := strings.Trim(run.environment.options.Static.Path, "/")
	if mount != "" {
		mount = "/" + mount
	}
	file := url.URL{Path: mount + "/" + name, RawQuery: "v=" + version}
	return gateway.RootPath(run.request.Request) + file.String(), nil
}

// versions knows a short digest of each static file.
type versions struct {
	files fs.FS
	fresh bool // compute anew each time
	known sync.Map
}

func (v *versions) of(name string) (string, error) {
	if known, ok := v.known.Load(name); ok && !v.fresh {
		return known.(string), nil
	}
	if !fs.ValidPath(name) {
		return "", errors.New("the name leads outside the static files")
	}
	file, err := v.files.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return "", err
	}
	version := hex.EncodeToString(digest.Sum(nil)[:6])
	v.known.Store(name, version)
	return version, nil
}
