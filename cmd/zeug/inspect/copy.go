package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/constant"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-delve/delve/pkg/proc"
)

// Copied is a value in the forms in which it can be pasted elsewhere.
type Copied struct {
	// Go is an expression of Go syntax. A part that has no such form, such as a function, is nil
	// with a comment.
	Go string `json:"go"`
	// JSON is the value as encoding/json would write it, unexported fields too. It is a text for the page: a
	// script would round large numbers.
	JSON string `json:"json"`
}

// copyLimits is how much of a value is copied.
var copyLimits = proc.LoadConfig{FollowPointers: true, MaxVariableRecurse: 8, MaxStringLen: 64 << 10, MaxArrayValues: 1000, MaxStructFields: -1}

// maxCopy is how long a copy may be, in bytes.
const maxCopy = 256 << 10

// ErrTooLarge says that a value is too large to be copied as a whole.
var ErrTooLarge = errors.New("the value is too large to be copied as a whole")

// Copy evaluates an expression and returns its value to be pasted elsewhere.
func (c *Core) Copy(at Place, expression string) (copied Copied, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	scope, err := c.scope(at)
	if err != nil {
		return copied, err
	}
	v, err := scope.EvalExpression(expression, copyLimits)
	if err != nil {
		return copied, c.explain(at, scope, expression, err)
	}
	if v.Unreadable != nil {
		return copied, v.Unreadable
	}
	if c.memory.reads < 0 {
		return copied, ErrTooLarge
	}
	p := &copier{view: c.view(scope)}
	p.expression(v, 0)
	if p.err != nil {
		return copied, p.err
	}
	copied.Go = p.b.String()
	p = &copier{view: c.view(scope)}
	p.json(v, 0)
	if p.err != nil {
		return copied, p.err
	}
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(p.b.String()), "", "  ") != nil {
		return copied, errors.New("the value has no form in JSON")
	}
	copied.JSON = indented.String()
	return copied, nil
}

// copier writes a value as an expression of Go or as JSON.
type copier struct {
	*view
	b   strings.Builder
	err error
}

// full reports whether the copy has reached a limit, at which writing ends.
func (p *copier) full() bool {
	if p.err == nil && (p.b.Len() > maxCopy || p.core.memory.reads < 0) {
		p.err = ErrTooLarge
	}
	return p.err != nil
}

// typ is the name of a value's type as the package of the frame writes it.
func (p *copier) typ(v *proc.Variable) string {
	own := regexp.MustCompile(`(^|[^\pL\pN_./-])` + regexp.QuoteMeta(packageOf(p.scope.Fn.Name)) + `\.`)
	return short(own.ReplaceAllString(typeName(v), "$1"))
}

// without writes nil in place of a value, and says in a comment why the value is not there.
func (p *copier) without(why string) {
	p.b.WriteString("nil /* " + strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, why), "*/", "* /") + " */")
}

// maxCopyDepth is how deep a copy goes into a value.
const maxCopyDepth = 16

// expression writes a value as Go does by the verb %#v, but with what pointers lead to.
func (p *copier) expression(v *proc.Variable, depth int) {
	typ := p.typ(v)
	switch {
	case p.full():
		return
	case v.Unreadable != nil:
		p.without("unreadable")
		return
	case p.knownExpression(v):
		return
	}
	switch v.Kind {
	case reflect.Struct:
		if len(v.Children) == 0 && v.Len > 0 || depth > maxCopyDepth {
			p.b.WriteString(typ + "{ /* more */ }")
			return
		}
		p.b.WriteString(typ + "{")
		for i := range v.Children {
			p.comma(i)
			p.b.WriteString(v.Children[i].Name + ": ")
			p.expression(&v.Children[i], depth+1)
		}
		p.b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		p.list(v, typ, depth)
	case reflect.Map:
		p.mapping(v, typ, depth)
	case reflect.Pointer:
		p.pointer(v, typ, depth)
	case reflect.Interface:
		if held := p.held(v); held != nil && !held.OnlyAddr {
			p.expression(held, depth+1)
		} else if held == nil {
			p.b.WriteString("nil")
		} else {
			p.without(typ)
		}
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if v.Kind == reflect.Func && v.Base == 0 || v.Kind == reflect.Chan && v.Base == 0 {
			p.b.WriteString("nil")
			return
		}
		p.without(short(p.line(v)))
	default:
		p.scalar(v, typ)
	}
}

func (p *copier) comma(i int) {
	if i > 0 {
		p.b.WriteString(", ")
	}
}

func (p *copier) list(v *proc.Variable, typ string, depth int) {
	switch {
	case v.Kind == reflect.Slice && v.Base == 0 && v.Len == 0:
		p.b.WriteString("nil")
		return
	case isBytes(v):
		b, err := p.bytesOf(v, maxCopied)
		if err != nil || int64(len(b)) < v.Len {
			p.err = ErrTooLarge
			return
		}
		if v.Kind == reflect.Slice {
			p.b.WriteString(strings.ReplaceAll(typ, "[]uint8", "[]byte") + "(" + strconv.Quote(string(b)) + ")")
			return
		}
		p.b.WriteString(typ + "{" + strings.Trim(strings.ReplaceAll(fmt.Sprintf("%#v", b), "[]byte", ""), "{}") + "}")
		return
	case int64(len(v.Children)) < v.Len && len(v.Children) > 0:
		p.err = ErrTooLarge
		return
	case v.Len > 0 && len(v.Children) == 0 || depth > maxCopyDepth:
		p.b.WriteString(typ + "{ /* more */ }")
		return
	}
	p.b.WriteString(typ + "{")
	for i := range v.Children {
		p.comma(i)
		p.expression(&v.Children[i], depth+1)
	}
	p.b.WriteByte('}')
}

func (p *copier) mapping(v *proc.Variable, typ string, depth int) {
	switch {
	case v.Base == 0 && v.Len == 0 && len(v.Children) == 0:
		p.b.WriteString("nil")
		return
	case v.Len > 0 && len(v.Children) == 0 || depth > maxCopyDepth:
		p.b.WriteString(typ + "{ /* more */ }")
		return
	case int64(len(v.Children)) < 2*v.Len:
		p.err = ErrTooLarge
		return
	}
	p.b.WriteString(typ + "{")
	for i, e := range p.entries(v) {
		p.comma(i)
		p.expression(e.key, depth+1)
		p.b.WriteString(": ")
		p.expression(e.value, depth+1)
	}
	p.b.WriteByte('}')
}

func (p *copier) pointer(v *proc.Variable, typ string, depth int) {
	switch {
	case len(v.Children) != 1 || v.Children[0].Addr == 0:
		p.b.WriteString("nil")
	case v.Children[0].OnlyAddr || depth > maxCopyDepth:
		p.without(typ)
	case v.Children[0].Kind == reflect.Struct && !p.hasOwnExpression(&v.Children[0]):
		p.b.WriteByte('&')
		p.expression(&v.Children[0], depth+1)
	default:
		p.b.WriteString("new(") // of an expression since Go 1.26
		p.expression(&v.Children[0], depth+1)
		p.b.WriteByte(')')
	}
}

// scalar writes a number, a bool or a string, with a conversion to its type unless the constant has
// that type anyway.
func (p *copier) scalar(v *proc.Variable, typ string) {
	var text string
	switch {
	case v.Kind == reflect.Invalid:
		p.b.WriteString("nil")
		return
	case v.Kind == reflect.String:
		s, ok := stringOf(v)
		if !ok {
			p.err = ErrTooLarge
			return
		}
		text = strconv.Quote(s)
	case v.Value == nil:
		p.without("unknown")
		return
	case p.isNegativeZero(v):
		text, typ = "math.Copysign(0, -1)", notFloat64(typ)
	case v.FloatSpecial == proc.FloatIsNaN:
		text, typ = "math.NaN()", notFloat64(typ)
	case v.FloatSpecial == proc.FloatIsPosInf:
		text, typ = "math.Inf(1)", notFloat64(typ)
	case v.FloatSpecial == proc.FloatIsNegInf:
		text, typ = "math.Inf(-1)", notFloat64(typ)
	case v.Kind == reflect.Int || v.Kind == reflect.Uint || v.Kind == reflect.Bool:
		text = v.Value.ExactString()
	default:
		text = scalar(v)
		if typ == "float64" && !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
	}
	switch typ {
	case "", "int", "string", "bool", "float64", "complex128":
		p.b.WriteString(text)
	default:
		p.b.WriteString(typ + "(" + text + ")")
	}
}

func notFloat64(typ string) string {
	if typ == "float64" {
		return ""
	}
	return typ
}

// hasOwnExpression reports whether a value of a known type is written by a function that makes it.
func (p *copier) hasOwnExpression(v *proc.Variable) bool {
	_, ok := copiedTypes[typeName(v)]
	return ok
}

// knownExpression writes a value of the standard library by the functions that make it.
func (p *copier) knownExpression(v *proc.Variable) bool {
	if v.Kind == reflect.Pointer && len(v.Children) == 1 && v.Children[0].Addr != 0 && !v.Children[0].OnlyAddr {
		if value, err := p.copied(&v.Children[0]); err == nil {
			switch x := value.Addr().Interface().(type) {
			case *big.Int:
				p.b.WriteString(bigExpression(x))
				return true
			case *url.URL:
				p.b.WriteString("&" + urlExpression(x))
				return true
			}
		}
		return false
	}
	value, err := p.copied(v)
	if err != nil {
		return false
	}
	switch x := value.Addr().Interface().(type) {
	case *time.Time:
		p.b.WriteString(timeExpression(*x))
	case *time.Duration:
		p.b.WriteString(durationExpression(*x))
	case *netip.Addr:
		p.b.WriteString(netipExpression("Addr", x.IsValid(), x.String()))
	case *netip.AddrPort:
		p.b.WriteString(netipExpression("AddrPort", x.IsValid(), x.String()))
	case *netip.Prefix:
		p.b.WriteString(netipExpression("Prefix", x.IsValid(), x.String()))
	case *url.URL:
		p.b.WriteString(urlExpression(x))
	case *big.Int:
		p.b.WriteString("*" + bigExpression(x))
	case *http.Header, *url.Values:
		p.b.WriteString(strings.ReplaceAll(fmt.Sprintf("%#v", value.Interface()), "[]string(nil)", "nil"))
	default:
		return false
	}
	return true
}

func timeExpression(t time.Time) string {
	zone := "time.UTC"
	switch name := t.Location().String(); {
	case name == "Local":
		zone = "time.Local"
	case name != "UTC":
		abbreviation, offset := t.Zone()
		zone = fmt.Sprintf("time.FixedZone(%q, %d)", abbreviation, offset)
	}
	if t.IsZero() && zone == "time.UTC" {
		return "time.Time{}"
	}
	return fmt.Sprintf("time.Date(%d, time.%s, %d, %d, %d, %d, %d, %s)", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
}

// durationExpression is a duration in the largest unit of which it is a multiple.
func durationExpression(d time.Duration) string {
	if d == 0 {
		return "time.Duration(0)"
	}
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"Hour", time.Hour}, {"Minute", time.Minute}, {"Second", time.Second}, {"Millisecond", time.Millisecond}, {"Microsecond", time.Microsecond}} {
		if d%unit.size == 0 {
			return fmt.Sprintf("%d * time.%s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("time.Duration(%d)", int64(d))
}

func netipExpression(typ string, valid bool, text string) string {
	if !valid {
		return "netip." + typ + "{}"
	}
	return "netip.MustParse" + typ + "(" + strconv.Quote(text) + ")"
}

func bigExpression(x *big.Int) string {
	if x.IsInt64() {
		return fmt.Sprintf("big.NewInt(%d)", x.Int64())
	}
	return fmt.Sprintf("func() *big.Int { x, _ := new(big.Int).SetString(%q, 10); return x }()", x.String())
}

func urlExpression(u *url.URL) string {
	var fields []string
	for _, f := range []struct{ name, value string }{{"Scheme", u.Scheme}, {"Opaque", u.Opaque}, {"Host", u.Host}, {"Path", u.Path}, {"RawPath", u.RawPath}, {"RawQuery", u.RawQuery}, {"Fragment", u.Fragment}, {"RawFragment", u.RawFragment}} {
		if f.value != "" {
			fields = append(fields, f.name+": "+strconv.Quote(f.value))
		}
	}
	if u.User != nil {
		user := fmt.Sprintf("User: url.User(%q)", u.User.Username())
		if password, ok := u.User.Password(); ok {
			user = fmt.Sprintf("User: url.UserPassword(%q, %q)", u.User.Username(), password)
		}
		fields = append(fields, user)
	}
	for name, set := range map[string]bool{"OmitHost": u.OmitHost, "ForceQuery": u.ForceQuery} {
		if set {
			fields = append(fields, name+": true")
		}
	}
	return "url.URL{" + strings.Join(fields, ", ") + "}"
}

// json writes a value as encoding/json would, but with unexported fields.
func (p *copier) json(v *proc.Variable, depth int) {
	switch {
	case p.full():
		return
	case v.Unreadable != nil || depth > maxCopyDepth:
		p.b.WriteString("null")
		return
	}
	if value, err := p.copied(v); err == nil {
		x := value.Addr().Interface()
		if s, ok := x.(*uuid); ok {
			x = s.String()
		}
		if text, err := json.Marshal(x); err == nil {
			p.b.Write(text)
			return
		}
	}
	switch v.Kind {
	case reflect.Struct:
		p.b.WriteByte('{')
		for i := range v.Children {
			p.jsonMember(i, v.Children[i].Name, &v.Children[i], depth)
		}
		p.b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		p.jsonList(v, depth)
	case reflect.Map:
		if v.Base == 0 && v.Len == 0 && len(v.Children) == 0 {
			p.b.WriteString("null")
			return
		}
		p.b.WriteByte('{')
		for i, e := range p.entries(v) {
			name := p.line(e.key)
			if s, ok := stringOf(e.key); ok {
				name = s
			}
			p.jsonMember(i, name, e.value, depth)
		}
		p.b.WriteByte('}')
	case reflect.Pointer:
		if len(v.Children) == 1 && v.Children[0].Addr != 0 && !v.Children[0].OnlyAddr {
			p.json(&v.Children[0], depth+1)
			return
		}
		p.b.WriteString("null")
	case reflect.Interface:
		if held := p.held(v); held != nil && !held.OnlyAddr {
			p.json(held, depth+1)
			return
		}
		p.b.WriteString("null")
	default:
		p.jsonScalar(v)
	}
}

func (p *copier) jsonMember(i int, name string, v *proc.Variable, depth int) {
	p.comma(i)
	key, _ := json.Marshal(name) // a string always has a form in JSON
	p.b.Write(key)
	p.b.WriteString(": ")
	p.json(v, depth+1)
}

func (p *copier) jsonList(v *proc.Variable, depth int) {
	if v.Kind == reflect.Slice && v.Base == 0 && v.Len == 0 {
		p.b.WriteString("null")
		return
	}
	if u := elementOf(v); u != nil && u.ByteSize == 1 && v.Kind == reflect.Slice {
		b, err := p.bytesOf(v, maxCopied)
		if err != nil || int64(len(b)) < v.Len {
			p.err = ErrTooLarge
			return
		}
		p.b.WriteString(`"` + base64.StdEncoding.EncodeToString(b) + `"`)
		return
	}
	p.b.WriteByte('[')
	for i := range v.Children {
		p.comma(i)
		p.json(&v.Children[i], depth+1)
	}
	p.b.WriteByte(']')
}

func (p *copier) jsonScalar(v *proc.Variable) {
	switch {
	case v.Kind == reflect.String:
		s, ok := stringOf(v)
		if !ok {
			p.err = ErrTooLarge
			return
		}
		text, _ := json.Marshal(strings.ToValidUTF8(s, string(utf8.RuneError)))
		p.b.Write(text)
	case p.isNegativeZero(v):
		p.b.WriteString("-0")
	case v.Value == nil || v.FloatSpecial != 0:
		p.b.WriteString("null")
	case v.Kind == reflect.Int || v.Kind == reflect.Uint || v.Kind == reflect.Bool:
		p.b.WriteString(v.Value.ExactString())
	case v.Kind == reflect.Float32 || v.Kind == reflect.Float64:
		f, _ := constant.Float64Val(v.Value)
		text, err := json.Marshal(f)
		if v.Kind == reflect.Float32 {
			text, err = json.Marshal(float32(f))
		}
		if err != nil {
			text = []byte("null")
		}
		p.b.Write(text)
	default:
		p.b.WriteString("null")
	}
}
