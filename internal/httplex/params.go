package httplex

import (
	"strings"
	"unicode/utf8"

	"github.com/zeugkit/zeug/internal/percent"
)

// Param is a name with a value, or a name alone.
type Param struct {
	Name  string
	Value string
	// Bare says that there is no value, not even an empty one.
	Bare bool
}

// Params are parameters in their order, each name once.
type Params []Param

// Index returns the index of the parameter of this name, whatever its case; -1
// if there is none.
func (p Params) Index(name string) int {
	for i := range p {
		if EqualFold(p[i].Name, name) {
			return i
		}
	}
	return -1
}

// Lookup returns the value of the parameter of this name, whatever its case,
// and whether there is one.
func (p Params) Lookup(name string) (string, bool) {
	if i := p.Index(name); i >= 0 {
		return p[i].Value, true
	}
	return "", false
}

// gatherer collects parameters whose names may be repeated. It finds names by
// their exact text. If there are many it uses a map, so that a header of
// nothing but names takes linear time.
type gatherer struct {
	params Params
	places map[string]int
}

const manyParams = 16

func (g *gatherer) index(name string) int {
	if g.places != nil {
		if i, ok := g.places[name]; ok {
			return i
		}
		return -1
	}
	for i := range g.params {
		if g.params[i].Name == name {
			return i
		}
	}
	return -1
}

func (g *gatherer) add(p Param) int {
	g.params = append(g.params, p)
	last := len(g.params) - 1
	if g.places != nil {
		g.places[p.Name] = last
	} else if len(g.params) > manyParams {
		g.places = make(map[string]int, 2*len(g.params))
		for i := range g.params {
			g.places[g.params[i].Name] = i
		}
	}
	return last
}

// set makes p the parameter of its name.
func (g *gatherer) set(p Param) int {
	if i := g.index(p.Name); i >= 0 {
		g.params[i] = p
		return i
	}
	return g.add(p)
}

// ParseDict reads a list of parameters: `a=1, b="x, y", c`. If a name comes twice, the last value
// counts, at the position of the first. If a name ends with "*", its value is decoded (RFC 8187),
// and the star is removed. An item without a name is left out.
func ParseDict(header string) Params {
	var g gatherer
	for item := range Items(header) {
		if p, ok := dictItem(item); ok {
			g.set(p)
		}
	}
	return g.params
}

// ParseFirst is like [ParseDict], but for directives: names are made lower
// case, and if a name comes twice, the first value counts.
func ParseFirst(header string) Params {
	var g gatherer
	for item := range Items(header) {
		if p, ok := dictItem(item); ok {
			p.Name = Lower(p.Name)
			if g.index(p.Name) < 0 {
				g.add(p)
			}
		}
	}
	return g.params
}

func dictItem(item string) (Param, bool) {
	name, value, has := strings.Cut(Unquote(item), "=")
	name, value = Trim(name), Trim(value)
	plain, extended := name, false
	if has {
		plain, extended = strings.CutSuffix(name, "*")
	}
	// Names must not have characters that could not be written again.
	if plain == "" || plain[len(plain)-1] == '*' || Trim(plain) != plain || strings.ContainsAny(plain, `",`) {
		return Param{}, false
	}
	if !has {
		return Param{Name: name, Bare: true}, true
	}
	if extended {
		if charset, text, ok := cutCharset(value); ok {
			if decoded, ok := decodeExtended(charset, text); ok {
				return Param{Name: plain, Value: decoded}, true
			}
			value = text
		}
	}
	return Param{Name: plain, Value: Unquote(value)}, true
}

// FormatDict is the reverse of [ParseDict].
func FormatDict(params Params) string {
	var b []byte
	for i, p := range params {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = AppendParam(b, p)
	}
	return string(b)
}

// AppendParam appends a parameter: the name alone, or with its value, quoted if necessary. The
// value of a name that ends with "*" must be encoded already and stays unchanged.
func AppendParam(dst []byte, p Param) []byte {
	dst = append(dst, p.Name...)
	if p.Bare {
		return dst
	}
	dst = append(dst, '=')
	if strings.HasSuffix(p.Name, "*") {
		return append(dst, p.Value...)
	}
	return AppendValue(dst, p.Value)
}

// ParseOptions reads a value with parameters behind semicolons, such as a Content-Type or a
// Content-Disposition. Names are made lower case. If a name comes twice, the last value counts.
// Parts that are not a valid parameter are left out. Extended values (RFC 8187) and continuations
// (RFC 2231) are decoded. In quoted strings a backslash escapes only a quote or itself, and "%22"
// is a quote, as browsers write it in the names of files.
func ParseOptions(header string) (value string, params Params) {
	value, rest, _ := strings.Cut(header, ";")
	value, rest = Trim(value), Trim(rest)
	if value == "" || rest == "" {
		return value, nil
	}
	g := optionGatherer{}
	for rest != "" {
		name, raw, tail, ok := option(rest)
		if ok {
			g.add(Lower(name), raw)
		}
		end := strings.IndexByte(tail, ';')
		if end < 0 {
			break
		}
		rest = trimLeft(tail[end+1:])
	}
	return value, g.finish()
}

// option reads a parameter at the start of s; raw is its value, still quoted. tail is the rest or,
// if there is no parameter, the string in which to look for the next semicolon.
func option(s string) (name, raw, tail string, ok bool) {
	n := tokenLen(s)
	if n == 0 || n == len(s) || s[n] != '=' {
		return "", "", s, false
	}
	name, s = s[:n], s[n+1:]
	if n = tokenLen(s); n > 0 {
		return name, s[:n], s[n:], true
	}
	if s == "" || s[0] != '"' {
		return "", "", s, false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return name, s[:i+1], s[i+1:], true
		case '\\':
			if i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
				i++
			}
		}
	}
	return "", "", s, false
}

// optionGatherer puts the parameters of one value together.
type optionGatherer struct {
	gatherer
	// joined maps the index of a parameter to the parts of its continued value,
	// so that many parts are not copied again and again.
	joined map[int]*joined
	// charset is the charset of the last extended value: later parts of a continued value do not
	// repeat it.
	charset string
}

func (g *optionGatherer) add(name, raw string) {
	name, extended := strings.CutSuffix(name, "*")
	value := raw
	if extended {
		charset, text, ok := cutCharset(raw)
		if ok {
			value = text
		}
		if charset == "" {
			charset = g.charset
		}
		if decoded, ok := decodeEscapes(charset, value); ok {
			value, g.charset = decoded, charset
		}
	}
	if isQuoted(raw) {
		value = unquoteOption(value)
	}
	name, continued := cutContinuation(name)
	if name == "" || name[len(name)-1] == '*' {
		return
	}
	if continued {
		if _, again := cutContinuation(name); !again {
			g.join(name, value, extended)
		}
		return
	}
	if extended {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	delete(g.joined, g.set(Param{Name: name, Value: value}))
}

// joined is a value in parts. If a part is extended, two parts may share a character, so only the
// whole must be UTF-8.
type joined struct {
	text     []byte
	extended bool
}

// join appends value to the present value of the parameter of this name.
func (g *optionGatherer) join(name, value string, extended bool) {
	i := g.index(name)
	if i < 0 {
		i = g.gatherer.add(Param{Name: name})
	}
	if g.joined == nil {
		g.joined = map[int]*joined{}
	}
	j := g.joined[i]
	if j == nil {
		j = &joined{text: []byte(g.params[i].Value)}
		g.joined[i] = j
	}
	j.text = append(j.text, value...)
	j.extended = j.extended || extended
}

func (g *optionGatherer) finish() Params {
	for i, j := range g.joined {
		g.params[i].Value = string(j.text)
		if j.extended {
			g.params[i].Value = strings.ToValidUTF8(g.params[i].Value, "\uFFFD")
		}
	}
	return g.params
}

// cutContinuation takes the number of a part off its name: "name*7".
func cutContinuation(name string) (plain string, ok bool) {
	i := len(name)
	for i > 0 && '0' <= name[i-1] && name[i-1] <= '9' {
		i--
	}
	if i == len(name) || i == 0 || name[i-1] != '*' {
		return name, false
	}
	return name[:i-1], true
}

// unquoteOption returns the text of a quoted string as [ParseOptions] reads it.
func unquoteOption(s string) string {
	if !isQuoted(s) {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 && !strings.Contains(s, "%22") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b = append(b, s[i])
		case strings.HasPrefix(s[i:], "%22"):
			i += 2
			b = append(b, '"')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// FormatOptions is the reverse of [ParseOptions]. A bare parameter is left out.
// A value that a quoted string would not carry unharmed (control characters,
// "%22", bytes that are not UTF-8) is written in the form of RFC 8187 instead.
func FormatOptions(value string, params Params) string {
	return string(AppendOptions([]byte(value), params))
}

// AppendOptions appends parameters behind semicolons.
func AppendOptions(dst []byte, params Params) []byte {
	for _, p := range params {
		if p.Bare {
			continue
		}
		dst = append(dst, "; "...)
		if !strings.HasSuffix(p.Name, "*") && needsExtended(p.Value) {
			dst = AppendExtended(append(append(dst, p.Name...), "*="...), p.Value)
			continue
		}
		dst = AppendParam(dst, p)
	}
	return dst
}

func needsExtended(s string) bool {
	return !IsFieldValue(s) || strings.Contains(s, "%22") && !IsToken(s)
}

// AppendExtended appends s in the form of RFC 8187: UTF-8, two apostrophes, %E2%82%AC.
func AppendExtended(dst []byte, s string) []byte {
	dst = append(dst, "UTF-8''"...)
	for i := 0; i < len(s); i++ {
		// attr-char is every character of a token except these three.
		if c := s[i]; IsTokenChar(c) && c != '*' && c != '\'' && c != '%' {
			dst = append(dst, c)
		} else {
			dst = percent.AppendByte(dst, c)
		}
	}
	return dst
}

// cutCharset splits an extended value, "UTF-8'en'%E2%82%AC", into its charset,
// in lower case, and its text. Each part must consist of the characters of a
// token, and the text must not be empty; it ends where those characters do.
func cutCharset(s string) (charset, text string, ok bool) {
	charset, rest, ok := strings.Cut(s, "'")
	if !ok || charset != "" && !IsToken(charset) {
		return "", "", false
	}
	language, text, ok := strings.Cut(rest, "'")
	if !ok || language != "" && !IsToken(language) {
		return "", "", false
	}
	n := tokenLen(text)
	if n == 0 {
		return "", "", false
	}
	return Lower(charset), text[:n], true
}

// decodeExtended decodes an extended value. Bytes that are not valid in their
// charset become U+FFFD.
func decodeExtended(charset, text string) (string, bool) {
	text, ok := decodeEscapes(charset, text)
	return strings.ToValidUTF8(text, "\uFFFD"), ok
}

// decodeEscapes decodes the escapes of an extended value. It knows the charsets
// that RFC 8187 names. In UTF-8 the result may be a part of a character.
func decodeEscapes(charset, text string) (string, bool) {
	latin := charset == "iso-8859-1"
	if !latin && charset != "utf-8" && charset != "us-ascii" && charset != "ascii" {
		return "", false
	}
	if strings.IndexByte(text, '%') < 0 {
		return text, true
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if percent.IsEscape(text, i) {
			c, i = percent.Byte(text[i+1], text[i+2]), i+2
			if latin {
				b = utf8.AppendRune(b, rune(c))
				continue
			}
			if c >= utf8.RuneSelf && charset != "utf-8" {
				b = utf8.AppendRune(b, utf8.RuneError)
				continue
			}
		}
		b = append(b, c)
	}
	return string(b), true
}
