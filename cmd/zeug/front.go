package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
)

// front puts the parts that Go handles in front of the Python application, and sets the server's
// part in o: which proxies are trusted, and the access log. The function that it returns closes the
// log.
func (s *pythonSettings) front(app http.Handler, o *serving.Options) (http.Handler, func(), error) {
	exports, err := s.statics()
	if err != nil {
		return nil, nil, err
	}
	if len(exports) > 0 {
		shared, err := staticfiles.SharedData{Exports: exports, Development: s.debug || s.reload}.Open()
		if err != nil {
			return nil, nil, err
		}
		app = shared.Wrap(app)
	}
	if s.maxBody > 0 {
		app = middleware.BodyLimit{Bytes: int64(s.maxBody)}.Wrap(app)
	}
	if o.ProxyFix, err = s.proxyFix(); err != nil {
		return nil, nil, err
	}
	closeLog := func() {}
	switch s.accessLog {
	case "off":
		o.NoAccessLog = true
	case "log":
	case "-":
		o.AccessLog.Combined = os.Stdout
	default:
		file, err := openLog(s.accessLog)
		if err != nil {
			return nil, nil, err
		}
		closeLog = file.close
		o.AccessLog.Combined = file
	}
	return app, closeLog, nil
}

// statics reads --static. Relative folders are relative to that of the application.
func (s *pythonSettings) statics() ([]staticfiles.Export, error) {
	var exports []staticfiles.Export
	for _, mount := range s.static {
		prefix, path, ok := strings.Cut(mount, "=")
		if !ok || path == "" || !strings.HasPrefix(prefix, "/") {
			return nil, fmt.Errorf("--static %s: write the path of the URLs and the folder, as in /static=static", mount)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.dir, path)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("--static %s: there is no %s", mount, path)
		}
		export := staticfiles.Export{Prefix: prefix, Dir: path}
		if !info.IsDir() {
			export.Dir, export.File = "", path
		}
		exports = append(exports, export)
	}
	return exports, nil
}
