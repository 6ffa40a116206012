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

// front puts before the Python application what Go does of a request: who asked by
// which proxies, the access log, the bound of bodies, files. The last thing it
// returns closes the log.
func (s *pythonSettings) front(app http.Handler) (http.Handler, func(), error) {
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
	closeLog := func() {}
	switch s.accessLog {
	case "off":
	case "log":
		app = middleware.AccessLog{Logger: serving.DefaultLogger()}.Wrap(app)
	case "-":
		app = middleware.AccessLog{Combined: os.Stdout}.Wrap(app)
	default:
		file, err := openLog(s.accessLog)
		if err != nil {
			return nil, nil, err
		}
		closeLog = file.close
		app = middleware.AccessLog{Combined: file}.Wrap(app)
	}
	fix, err := s.proxyFix()
	if err != nil {
		return nil, nil, err
	}
	return fix.Wrap(app), closeLog, nil
}

// statics reads --static. Relative folders are in the one of the application.
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
