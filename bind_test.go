package zeug_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

type page struct {
	Number int `form:"page"`
}

type order struct {
	page
	Name    string                 `json:"name" form:"name"`
	Age     int8                   `json:"age" form:"age"`
	Price   float64                `json:"price" form:"price"`
	Gift    bool                   `json:"gift" form:"gift"`
	Tags    []string               `json:"tags" form:"tag"`
	Sizes   []uint16               `json:"sizes" form:"size"`
	Limit   *int                   `json:"limit" form:"limit"`
	Note    *string                `json:"note" form:"note"`
	At      time.Time              `json:"at" form:"at"`
	Wait    time.Duration          `json:"wait" form:"wait"`
	From    netip.Addr             `json:"from" form:"from"`
	Photo   *wrappers.UploadedFile `json:"-" form:"photo"`
	Plain   string
	Private string `json:"-"`
	Inner   struct {
		City string `json:"city"`
	} `json:"inner" form:"-"`
}

func (o *order) Validate() error {
	var v zeug.Validation
	v.Check(o.Name != "", "name", "must not be empty")
	v.Check(o.Age >= 18, "age", "must be at least 18")
	return v.Err()
}

// bound sends a request to a view that binds a T, and returns the value.
func bound[T any](t *testing.T, method, target, contentType, body string) (v T, status int, problem map[string]any) {
	t.Helper()
	app := zeug.New(zeug.Route("/", func(req *zeug.Request) (*zeug.Response, error) {
		var err error
		v, err = zeug.Bind[T](req)
		if err != nil {
			return nil, err
		}
		return zeug.NoContent(), nil
	}))
	var w *httptest.ResponseRecorder
	if contentType == "" {
		w = do(app, method, target)
	} else {
		w = do(app, method, target, contentType, body)
	}
	if w.Code != 204 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem), w.Body.String())
	}
	return v, w.Code, problem
}

const urlencoded = "application/x-www-form-urlencoded"

func TestBindReadsJSONFormsAndQueries(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		v, status, _ := bound[order](t, "POST", "/", "application/json", `{"name": "Ada", "age": 36, "tags": ["x"], "limit": 3, "inner": {"city": "Graz"}, "unknown": 1}`)
		require.Equal(t, 204, status)
		require.Equal(t, "Ada", v.Name)
		require.Equal(t, 3, *v.Limit)
		require.Equal(t, "Graz", v.Inner.City)
	})
	t.Run("a JSON list", func(t *testing.T) {
		v, status, _ := bound[[]int](t, "POST", "/", "application/json", `[1, 2]`)
		require.Equal(t, 204, status)
		require.Equal(t, []int{1, 2}, v)
	})
	fields := url.Values{
		"page": {"2"}, "name": {"Ada"}, "age": {"36"}, "price": {"1.5"}, "gift": {"on"}, "tag": {"x", "y"}, "size": {"1", "65535"},
		"limit": {"3"}, "at": {"2026-01-02T03:04:05Z"}, "wait": {"1m30s"}, "from": {"192.0.2.1"}, "Plain": {"p"}, "Private": {"no"}, "Inner": {"no"},
	}
	check := func(t *testing.T, v order) {
		require.Equal(t, 2, v.Number)
		require.Equal(t, []string{"x", "y"}, v.Tags)
		require.Equal(t, []uint16{1, 65535}, v.Sizes)
		require.Equal(t, 3, *v.Limit)
		require.Nil(t, v.Note)
		require.Equal(t, 2026, v.At.Year())
		require.Equal(t, 90*time.Second, v.Wait)
		require.Equal(t, "192.0.2.1", v.From.String())
		require.True(t, v.Gift)
		require.InDelta(t, 1.5, v.Price, 0)
		require.Equal(t, "p", v.Plain)
		require.Empty(t, v.Private, "json:\"-\" has no name in a form either")
	}
	t.Run("an urlencoded form", func(t *testing.T) {
		v, status, problem := bound[order](t, "POST", "/", urlencoded, fields.Encode())
		require.Equal(t, 204, status, problem)
		check(t, v)
	})
	t.Run("a query", func(t *testing.T) {
		v, status, problem := bound[order](t, "GET", "/?"+fields.Encode(), "", "")
		require.Equal(t, 204, status, problem)
		check(t, v)
	})
	t.Run("a multipart form with a file", func(t *testing.T) {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for name, values := range fields {
			for _, value := range values {
				require.NoError(t, form.WriteField(name, value))
			}
		}
		part, err := form.CreateFormFile("photo", "cat.png")
		require.NoError(t, err)
		_, err = part.Write([]byte("meow"))
		require.NoError(t, err)
		require.NoError(t, form.Close())
		v, status, problem := bound[order](t, "POST", "/", form.FormDataContentType(), body.String())
		require.Equal(t, 204, status, problem)
		check(t, v)
		require.Equal(t, "cat.png", v.Photo.Name)
	})
}

func TestBindTellsEveryFieldAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body string
		want              []string // field: detail
	}{
		"validation of JSON": {"application/json", `{}`, []string{"name: must not be empty", "age: must be at least 18"}},
		"types in JSON": {"application/json", `{"name": 1, "age": 300, "tags": "x", "inner": {"city": 2}, "price": 1}`, []string{
			"age: must be a whole number from -128 to 127, not a JSON number 300", "inner.city: must be a string, not a JSON number",
			"name: must be a string, not a JSON number", "tags: must be a list, not a JSON string",
		}},
		"validation of a form": {urlencoded, "name=Ada", []string{"age: must be at least 18"}},
		"types in a form": {urlencoded, "age=128&price=x&gift=maybe&size=-1&limit=x&at=today&wait=1&from=x", []string{
			"age: must be a whole number from -128 to 127", "price: must be a number", "gift: must be true or false",
			"size: must be a whole number from 0 to 65535", "limit: must be a whole number",
			"at: must be a time such as 2006-01-02T15:04:05Z", "wait: must be a duration such as 1m30s", "from: must be a valid value",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, status, problem := bound[order](t, "POST", "/", c.contentType, c.body)
			require.Equal(t, 422, status, problem)
			var got []string
			for _, entry := range problem["errors"].([]any) {
				e := entry.(map[string]any)
				got = append(got, e["field"].(string)+": "+e["detail"].(string))
				require.Equal(t, "#/"+strings.ReplaceAll(e["field"].(string), ".", "/"), e["pointer"])
			}
			require.Equal(t, c.want, got)
			require.Equal(t, strings.Join(c.want, "; "), problem["detail"])
		})
	}
}

func TestBindRefusesWhatItCannotRead(t *testing.T) {
	for name, c := range map[string]struct {
		method, contentType, body string
		status                    int
	}{
		"not JSON":              {"POST", "application/json", `{`, 400},
		"JSON that is a list":   {"POST", "application/json", `[]`, 400},
		"another content type":  {"POST", "text/csv", "a,b", 415},
		"POST without a body":   {"POST", "", "", 415},
		"DELETE with text":      {"DELETE", "text/plain", "x", 415},
		"a broken form":         {"POST", "multipart/form-data; boundary=x", "--y", 400},
		"an empty JSON body":    {"POST", "application/json", "", 400},
		"JSON null is an empty": {"POST", "application/json", "null", 422},
	} {
		t.Run(name, func(t *testing.T) {
			_, status, problem := bound[order](t, c.method, "/", c.contentType, c.body)
			require.Equal(t, c.status, status, problem)
		})
	}
	t.Run("a form into something that is not a struct", func(t *testing.T) {
		_, status, _ := bound[[]int](t, "POST", "/", urlencoded, "a=1")
		require.Equal(t, 500, status)
	})
	t.Run("a field of a type that forms do not have", func(t *testing.T) {
		_, status, _ := bound[struct{ C chan int }](t, "POST", "/", urlencoded, "C=1")
		require.Equal(t, 500, status)
	})
}

type joined struct{ Code string }

func (joined) Validate() error {
	return errors.Join(zeug.FieldError{Field: "a/b~c", Detail: "is wrong"}, errors.New("something else"))
}

type answering struct{ Code string }

func (*answering) Validate() error { return httperror.Conflict }

func TestValidateMayReturnAnyError(t *testing.T) {
	_, status, problem := bound[joined](t, "POST", "/", "application/json", `{}`)
	require.Equal(t, 422, status)
	require.Equal(t, []any{
		map[string]any{"field": "a/b~c", "detail": "is wrong", "pointer": "#/a~1b~0c"},
		map[string]any{"detail": "something else", "pointer": "#"},
	}, problem["errors"])

	_, status, _ = bound[answering](t, "POST", "/", "application/json", `{}`)
	require.Equal(t, 409, status, "an error with an answer of its own stays as it is")

	app := zeug.New(zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) {
		return nil, &zeug.ValidationError{Fields: []zeug.FieldError{{Field: "x", Detail: "is late"}}}
	}))
	require.Equal(t, 422, do(app, "GET", "/").Code, "a view may return one itself")
}

func FuzzBind(f *testing.F) {
	f.Add("application/json", `{"name": "x", "age": 20, "sizes": [1], "inner": {"city": null}}`)
	f.Add(urlencoded, "name=x&age=20&size=1&size=x&limit=&at=x")
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a\"\r\n\r\nb\r\n--x--\r\n")
	app := zeug.New(zeug.Post("/", func(req *zeug.Request) (*zeug.Response, error) {
		v, err := zeug.Bind[order](req)
		if err != nil {
			return nil, err
		}
		return zeug.JSON(v.Name)
	}))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		w := do(app, "POST", "/", contentType, body)
		require.Contains(t, []int{200, 400, 413, 415, 422}, w.Code, w.Body.String())
	})
}
