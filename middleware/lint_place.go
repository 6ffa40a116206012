package middleware

import (
	"fmt"
	"net/http"
	"path"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// passedOver are packages whose functions write on behalf of their caller, so the place is where
// they were called.
var passedOver = []string{
	"bufio.", "bytes.", "compress/", "encoding/", "fmt.", "html/template.", "io.", "io/", "log.", "log/slog.", "mime/", "net/http.", "net/http/",
	"reflect.", "runtime.", "strings.", "text/template.",
	"github.com/zeugkit/zeug/internal/responsewriter.",
	"github.com/zeugkit/zeug/middleware.(*linted", "github.com/zeugkit/zeug/middleware.Lint.", "github.com/zeugkit/zeug/middleware.callPlace",
}

// callPlace returns the place of the innermost caller outside the packages of passedOver, or its
// argument otherwise if there is no such caller.
func callPlace(otherwise string) string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !writesForOthers(frame.Function) {
			return placeOf(frame)
		}
		if !more {
			return otherwise
		}
	}
}

func writesForOthers(function string) bool {
	for _, prefix := range passedOver {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

func placeOf(frame runtime.Frame) string {
	dir, file := path.Split(frame.File)
	return path.Join(path.Base(dir), file) + ":" + strconv.Itoa(frame.Line) + " (" + path.Base(frame.Function) + ")"
}

// handlerPlace returns where a handler is written, or its type.
func handlerPlace(h http.Handler) string {
	if f, ok := h.(http.HandlerFunc); ok {
		pc := reflect.ValueOf(f).Pointer()
		if fn := runtime.FuncForPC(pc); fn != nil {
			file, line := fn.FileLine(pc)
			return placeOf(runtime.Frame{Function: fn.Name(), File: file, Line: line})
		}
	}
	return fmt.Sprintf("%T", h)
}
