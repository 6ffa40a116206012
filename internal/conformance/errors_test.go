package conformance_test

import (
	"net/http/httptest"

	"github.com/zeugkit/zeug/httperror"
)

var _ = register(map[string]operation{
	"exception.default": answers(func(in struct{ Code int }) any {
		w := httptest.NewRecorder()
		code := httperror.Code(in.Code)
		code.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != in.Code {
			return w.Code
		}
		return map[string]any{"name": code.Name(), "content_type": w.Header().Get("Content-Type")}
	}),
})
