package zeug

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// Bind reads what the client sent into a T, a struct, and validates it:
//
//	type signup struct {
//		Name string `json:"name" form:"name"`
//		Age  int    `json:"age" form:"age"`
//	}
//
//	func (s *signup) Validate() error {
//		var v zeug.Validation
//		v.Check(s.Name != "", "name", "must not be empty")
//		v.Check(s.Age >= 18, "age", "must be at least 18")
//		return v.Err()
//	}
//
//	s, err := zeug.Bind[signup](req)
//
// A body is read by its Content-Type: JSON by encoding/json and its tags; a form, urlencoded or
// multipart, by the tag form, or else json, or else the field's name. A GET, HEAD or DELETE request
// without a body is read from its query in the same way. Fields of forms and queries have these
// types: string, bool, numbers, time.Time as RFC 3339, [time.Duration], types with
// [encoding.TextUnmarshaler], *[UploadedFile], and pointers and slices of them. A bool takes "on",
// which browsers send for a checkbox. A pointer stays nil without a value. A slice takes all values
// of a name. A name without a field is ignored.
//
// If T or *T has a method Validate() error, Bind calls it. Its error may be a *[ValidationError], as
// [Validation.Err] returns it, [FieldError] values joined by [errors.Join], or any other error,
// which stands for the whole.
//
// The error answers the request: with 400 if the body is not JSON, and with 413 and 415 as
// [wrappers.Request.JSON] does. If values do not fit, it is a 422 with every such field, as a
// problem of RFC 9457 for clients that read JSON:
//
//	{"title": "Unprocessable Content", "status": 422, "detail": "age: must be at least 18",
//	 "errors": [{"field": "age", "detail": "must be at least 18", "pointer": "#/age"}]}
func Bind[T any](req *Request) (T, error) {
	var v T
	err := read(req, reflect.ValueOf(&v).Elem())
	if err != nil {
		return v, err
	}
	validate, ok := any(&v).(interface{ Validate() error })
	if !ok {
		return v, nil
	}
	return v, validationError(validate.Validate())
}

// FieldError says what is wrong with one field.
type FieldError struct {
	// Field is the name that the client used, such as "email" or "address.city"; "" means the whole.
	Field string
	// Detail is for the client: "must not be empty".
	Detail string
}

// Error returns the field and the detail.
func (e FieldError) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

// ValidationError lists what is wrong with a value. If a view returns it, the response is a 422.
type ValidationError struct{ Fields []FieldError }

// Error returns all fields and details.
func (e *ValidationError) Error() string {
	var list []string
	for _, f := range e.Fields {
		list = append(list, f.Error())
	}
	return strings.Join(list, "; ")
}

// Unwrap returns the *[httperror.Error] that answers: a 422 that lists the fields.
func (e *ValidationError) Unwrap() error {
	type entry struct {
		Field   string `json:"field,omitempty"`
		Detail  string `json:"detail"`
		Pointer string `json:"pointer"`
	}
	list := make([]entry, len(e.Fields))
	for i, f := range e.Fields {
		list[i] = entry{f.Field, f.Detail, pointer(f.Field)}
	}
	return &httperror.Error{
		Code:        httperror.UnprocessableContent,
		Description: e.Error(),
		Members:     map[string]any{"errors": list},
	}
}

// pointer returns the JSON pointer (RFC 6901) of a field, as a fragment of a URL.
func pointer(field string) string {
	p := "#"
	for name := range strings.SplitSeq(field, ".") {
		if name != "" {
			p += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		}
	}
	return p
}

// Validation collects the fields that are not valid. The zero value is ready for use.
type Validation struct{ fields []FieldError }

// Check keeps the detail for the field unless ok is true.
func (v *Validation) Check(ok bool, field, detail string) {
	if !ok {
		v.fields = append(v.fields, FieldError{field, detail})
	}
}

// Err returns a *[ValidationError] of the checks that failed, nil if none did.
func (v *Validation) Err() error {
	if len(v.fields) == 0 {
		return nil
	}
	return &ValidationError{v.fields}
}

// validationError makes a *ValidationError from the error that Validate returned. An error that
// sends its own response stays unchanged.
func validationError(err error) error {
	if _, ok := errors.AsType[interface {
		error
		http.Handler
	}](err); ok || err == nil {
		return err
	}
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	e := &ValidationError{}
	for _, err := range list {
		f, ok := errors.AsType[FieldError](err)
		if !ok {
			f = FieldError{Detail: err.Error()}
		}
		e.Fields = append(e.Fields, f)
	}
	return e
}

// read reads the request into the struct v.
func read(req *Request, v reflect.Value) error {
	if v.Kind() != reflect.Struct && !req.IsJSON() {
		return fmt.Errorf("zeug: Bind needs a struct to read a form or a query into, not a %v", v.Type())
	}
	switch {
	case req.IsJSON():
		return readJSON(req, v)
	case isForm(req.MediaType()):
		form, err := req.Form()
		if err != nil {
			return err
		}
		files, err := req.Files()
		if err != nil {
			return err
		}
		return fill(v, form, files)
	case !hasBody(req.Request.Request) && bodiless(req.Method):
		return fill(v, req.Query(), nil)
	}
	return req.JSON(v.Addr().Interface()) // 415
}

func isForm(mediaType string) bool {
	return mediaType == "application/x-www-form-urlencoded" || mediaType == "multipart/form-data"
}

func bodiless(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodDelete
}

func hasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

// readJSON decodes the body. If a member has the wrong type, it reports every member of a wrong
// type.
func readJSON(req *Request, v reflect.Value) error {
	err := req.JSON(v.Addr().Interface())
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok || v.Kind() != reflect.Struct {
		return err
	}
	var members map[string]json.RawMessage
	if wrong := req.JSON(&members); wrong != nil {
		return err
	}
	var found Validation
	for name, raw := range members {
		field, ok := jsonField(v, name)
		if !ok {
			continue
		}
		wrong, ok := errors.AsType[*json.UnmarshalTypeError](json.Unmarshal(raw, reflect.New(field.Type()).Interface()))
		if !ok {
			continue
		}
		if wrong.Field != "" {
			name += "." + wrong.Field
		}
		found.Check(false, name, "must be "+described(wrong.Type)+", not a JSON "+wrong.Value)
	}
	if found.fields == nil {
		return err
	}
	slices.SortFunc(found.fields, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return found.Err()
}

// jsonField returns the field that encoding/json decodes the member into.
func jsonField(v reflect.Value, name string) (field reflect.Value, ok bool) {
	for f := range fields(v) {
		tag, _, _ := strings.Cut(f.tag.Get("json"), ",")
		if tag == "" {
			tag = f.name
		}
		if strings.EqualFold(tag, name) {
			field, ok = f.value, true
			if tag == name {
				return field, true
			}
		}
	}
	return field, ok
}

// field is a field of a struct or of one embedded in it.
type field struct {
	name  string
	tag   reflect.StructTag
	value reflect.Value
}

// fields yields the exported fields of a struct, also those of embedded structs.
func fields(v reflect.Value) func(yield func(field) bool) {
	return func(yield func(field) bool) { eachField(v, yield) }
}

func eachField(v reflect.Value, yield func(field) bool) bool {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		tagged := f.Tag.Get("json") != "" || f.Tag.Get("form") != ""
		if f.Anonymous && f.Type.Kind() == reflect.Struct && !tagged {
			if !eachField(v.Field(i), yield) {
				return false
			}
			continue
		}
		if f.IsExported() && !yield(field{f.Name, f.Tag, v.Field(i)}) {
			return false
		}
	}
	return true
}

// formName returns the name of the field in a form or query, "" if it has none.
func (f field) formName() string {
	for _, key := range []string{"form", "json"} {
		name, _, _ := strings.Cut(f.tag.Get(key), ",")
		if name == "-" {
			return ""
		}
		if name != "" {
			return name
		}
	}
	return f.name
}

// fill sets the fields of the struct v from a form or a query.
func fill(v reflect.Value, values *datastructures.Values, files *wrappers.Files) error {
	var wrong Validation
	for f := range fields(v) {
		name := f.formName()
		if name == "" {
			continue
		}
		if fileField(f.value, name, files) {
			continue
		}
		texts := values.List(name)
		if len(texts) == 0 {
			continue
		}
		if !supported(f.value.Type()) {
			return fmt.Errorf("zeug: Bind cannot read the form's field %q into a %v", name, f.value.Type())
		}
		if want := set(f.value, texts); want != "" {
			wrong.Check(false, name, "must be "+want)
		}
	}
	return wrong.Err()
}

var uploadedFile = reflect.TypeFor[*wrappers.UploadedFile]()

// fileField sets a field for an uploaded file, and reports whether it is one.
func fileField(v reflect.Value, name string, files *wrappers.Files) bool {
	if v.Type() != uploadedFile {
		return false
	}
	if files != nil {
		if f, ok := files.Lookup(name); ok && f.Chosen() {
			v.Set(reflect.ValueOf(f))
		}
	}
	return true
}

var (
	unmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	duration    = reflect.TypeFor[time.Duration]()
)

// supported reports whether set can set a value of the type.
func supported(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Pointer, reflect.Slice:
		return supported(t.Elem())
	}
	return false
}

// set sets v from the strings that a client sent under one name. It returns the expected form, or ""
// if the strings fit.
func set(v reflect.Value, texts []string) (want string) {
	text := texts[0]
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if u.UnmarshalText([]byte(text)) != nil {
			return described(v.Type())
		}
		return ""
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		if b, err = parseBool(text); err == nil {
			v.SetBool(b)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		if v.Type() == duration {
			var d time.Duration
			d, err = time.ParseDuration(text)
			n = int64(d)
		} else {
			n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(x)
	case reflect.Pointer:
		if text == "" && v.Type().Elem().Kind() != reflect.String {
			return "" // an empty field of a form
		}
		p := reflect.New(v.Type().Elem())
		want = set(p.Elem(), texts)
		v.Set(p)
		return want
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
		for i := range texts {
			if want = set(list.Index(i), texts[i:i+1]); want != "" {
				return want
			}
		}
		v.Set(list)
	}
	if err != nil {
		return described(v.Type())
	}
	return ""
}

// parseBool reads the words that forms and queries use for true and false. A checkbox that is
// ticked is "on".
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "on", "yes":
		return true, nil
	case "off", "no", "":
		return false, nil
	}
	return strconv.ParseBool(text)
}

// described says which strings or JSON values a type accepts, for clients.
func described(t reflect.Type) string {
	if t == duration {
		return "a duration such as 1m30s"
	}
	if t == reflect.TypeFor[time.Time]() {
		return "a time such as 2006-01-02T15:04:05Z"
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshaler) {
		return "a valid value"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := t.Bits()
		if bits == 64 {
			return "a whole number"
		}
		return fmt.Sprintf("a whole number from %d to %d", int64(-1)<<(bits-1), int64(uint64(1)<<(bits-1)-1))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", ^uint64(0)>>(64-t.Bits()))
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Pointer:
		return described(t.Elem())
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a valid value"
}
