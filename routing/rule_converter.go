package routing

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// A converter has two halves. Its form says which strings are possible, and is part of the tree:
// "<int(max=5):a>" and "<int:b>" have the same form, digits, so they share an edge. The bounds and
// the value of a number or string are checked once the rest of a rule has matched. If a converter
// refuses a string, the next rule is tried.
//
//	rules    /<int(min=10):page>    form digits, checks the minimum
//	         /<name>                form text, checks nothing
//
//	/12      digits fit, and 12 is accepted: page is 12
//	/5       digits fit, but the converter refuses 5: name is "5"
//	/x       digits do not fit, and the converter is not asked: name is "x"
//
// In Werkzeug /5 would be a 404, against its own documentation.
//
// The built-in converters, with Werkzeug's names, arguments and weights. The lower weight is tried
// first, and the lengths of a string are counted in characters:
//
//	string   minlength, maxlength, length     100    any text without a slash; also "default"
//	path                                      200    text with slashes
//	any      the words                        100
//	int      fixed_digits, min, max, signed    50    ASCII digits that fit an int
//	float    min, max, signed                  50    with a point: "1.0", not "1"
//	uuid                                      100    36 characters, in either case
//	regexp   the pattern                      100    not in Werkzeug

// converterKind says which code parses and formats the values. The built-in converters are cases of
// switches. Only those of the application call functions that are values, parse and format.
type converterKind uint8

const (
	stringConverter converterKind = iota
	pathConverter
	anyConverter
	intConverter
	floatConverter
	uuidConverter
	regexpConverter
	customConverter
)

// converter is a Converter or one of the built-in ones, with its arguments. All variables that are
// written in the same way share one, in all rules of a Map, so it never changes after it is made.
//
//	<int(fixed_digits=3):n>      form digits; digits 3
//	<int(min=1):n>               form digits; bounded, min 1, max the largest int
//	<float(signed=True):f>       form decimal, signed; low and high are infinite
//	<string(length=2):code>      form text of 2 to 2 characters
//	<any(de, en):lang>           form words, with these two
type converter struct {
	kind converterKind
	// name is the converter with its arguments, as in the rule's path: "int(min=1)". Errors show
	// it, and rule.takes compares it.
	name string
	// form says which strings have a value, apart from the bounds below; see rule_form.go.
	form form
	// weight decides which variable is tried first; see weight.compare. Werkzeug has the same
	// numbers.
	weight int

	// digits is how many characters an int has, with its sign; 0 means any number of them.
	digits int
	// low and high are the bounds of a float, min and max those of an int. If a program sets none,
	// they are the first and last values of the type.
	low, high float64
	min, max  int64
	// bounded is true for an int with min or max. Other ints skip the comparison, and a digitsEdge
	// can decide about them alone (decided).
	bounded bool

	// parse and format are the functions of a Converter of the application; nil if it has none.
	parse  func(string) (any, error)
	format func(any) (string, error)
}

// builtin holds the converters that every Map knows. [Options].Converters can replace each of them,
// "default" included, which is the converter of a variable that names none.
var builtin = map[string]func([]Argument) (*converter, error){
	"default": newString,
	"string":  newString,
	"path":    newPath,
	"any":     newAny,
	"int":     newInt,
	"float":   newFloat,
	"uuid":    newUUID,
	"regexp":  newRegexp,
}

// newString makes the converter of <name>, <string:name> and <string(2, 5):name>. As in Werkzeug,
// the length wins over minlength and maxlength, so string(minlength=3, length=2) has 2 characters.
func newString(arguments []Argument) (*converter, error) {
	c := &converter{kind: stringConverter, weight: 100, form: form{kind: textForm, min: 1, max: math.MaxInt}}
	exact := -1 // "length" is checked last, so that it wins whatever the order of the arguments
	err := read(arguments, []string{"minlength", "maxlength", "length"}, func(name, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%s is a number of characters, not %q", name, text)
		}
		switch name {
		case "minlength":
			c.form.min = n
		case "maxlength":
			c.form.max = n
		case "length":
			exact = n
		}
		return nil
	})
	if exact >= 0 {
		c.form.min, c.form.max = exact, exact
	}
	// A rule that no path can match is an error, because the author meant something else. The
	// offset is that of the first argument, since it takes several of them to contradict each
	// other.
	if err == nil && (c.form.max < c.form.min || c.form.max == 0) {
		err = faultf(arguments[0].Offset, "no text has a length between %d and %d", c.form.min, c.form.max)
	}
	return c, err
}

// newPath makes the converter of <path:page>. Its weight is the largest of the built-in ones, so
// that a path is tried after everything that takes one segment: /docs/<name> before
// /docs/<path:page>.
func newPath(arguments []Argument) (*converter, error) {
	return &converter{kind: pathConverter, weight: 200, form: form{kind: pathForm}}, read(arguments, nil, nil)
}

// newUUID makes the converter of <uuid:id>. Its weight is that of a string, as in Werkzeug. If
// <uuid:id> and <name> are at the same node, the rule that was added first is tried first.
func newUUID(arguments []Argument) (*converter, error) {
	return &converter{kind: uuidConverter, weight: 100, form: form{kind: uuidForm}}, read(arguments, nil, nil)
}

// newAny makes the converter of <any(about, "contact us"):page>. Unlike the other converters it
// takes any number of arguments, none of which has a name, so it does not use read.
func newAny(arguments []Argument) (*converter, error) {
	c := &converter{kind: anyConverter, weight: 100, form: form{kind: wordsForm}}
	if len(arguments) == 0 {
		return nil, fmt.Errorf("any needs the words to choose from, as in any(about, help)")
	}
	for _, a := range arguments {
		switch {
		case a.Name != "":
			return nil, faultf(a.Offset, "any takes words, not %s=", a.Name)
		case a.Text == "":
			return nil, faultf(a.Offset, "an empty word matches nothing")
		}
		c.form.words = append(c.form.words, a.Text)
	}
	return c, nil
}

// newInt makes the converter of <int:id>. The weight is lower than that of a string, so for /7 the
// rule /<int:id> is tried before /<name>. The bounds have the size of an int, because a larger one
// could never be reached: parseInt refuses such a number.
func newInt(arguments []Argument) (*converter, error) {
	c := &converter{kind: intConverter, weight: 50, form: form{kind: digitsForm}, min: math.MinInt, max: math.MaxInt}
	err := read(arguments, []string{"fixed_digits", "min", "max", "signed"}, func(name, text string) (err error) {
		switch name {
		case "signed":
			c.form.signed, err = truth(text)
		case "fixed_digits":
			if c.digits, err = strconv.Atoi(text); c.digits < 0 {
				err = strconv.ErrRange
			}
		case "min":
			c.bounded = true
			c.min, err = strconv.ParseInt(text, 10, strconv.IntSize)
		case "max":
			c.bounded = true
			c.max, err = strconv.ParseInt(text, 10, strconv.IntSize)
		}
		return refusedArgument(name, text, "a whole number", err)
	})
	// min=9 with max=3 would make a rule that never matches.
	if err == nil && c.min > c.max {
		err = faultf(arguments[0].Offset, "no number is between %d and %d", c.min, c.max)
	}
	return c, err
}

// newFloat makes the converter of <float:price>. It has the weight of an int, but the two never
// take the same segment: a float has a point.
func newFloat(arguments []Argument) (*converter, error) {
	c := &converter{kind: floatConverter, weight: 50, form: form{kind: decimalForm}, low: math.Inf(-1), high: math.Inf(1)}
	err := read(arguments, []string{"min", "max", "signed"}, func(name, text string) (err error) {
		switch name {
		case "signed":
			c.form.signed, err = truth(text)
		case "min":
			c.low, err = strconv.ParseFloat(text, 64)
		case "max":
			c.high, err = strconv.ParseFloat(text, 64)
		}
		return refusedArgument(name, text, "a number", err)
	})
	if err == nil && !(c.low <= c.high) { // not low > high: with NaN, both comparisons are false
		err = faultf(arguments[0].Offset, "no number is between %v and %v", c.low, c.high)
	}
	return c, err
}

// newRegexp makes the converter of <regexp("[a-z]{2}"):lang>. It is a Converter with a Pattern, for
// which a program need not register a name. A pattern that requires a slash gets an error of its
// own here, since the rule cannot set Slashes.
func newRegexp(arguments []Argument) (*converter, error) {
	if len(arguments) != 1 || arguments[0].Name != "" {
		return nil, fmt.Errorf(`regexp takes one pattern in quotes, as in regexp("[a-z]{2}")`)
	}
	c, err := newCustom(Converter{Pattern: arguments[0].Text})
	switch err {
	case nil:
		c.kind = regexpConverter
		return c, nil
	case errWantsSlash:
		return nil, faultf(arguments[0].Offset, "the pattern wants a slash, and a variable of regexp stays in its segment: add a Converter with Slashes to Options.Converters")
	}
	return nil, faultf(arguments[0].Offset, "%v", err)
}

// errWantsSlash is compared by newRegexp, so it has no details.
var errWantsSlash = errors.New("the converter's Pattern wants a slash: set Slashes, or its variable stays in its segment")

// newCustom compiles a Converter of the application. The pattern must match the whole string, so it
// is put between \A and \z, in a group of its own because it may be a choice: "a|b" becomes
// "\A(?:a|b)\z". It is parsed alone first, so that an error shows the pattern as it was written, and
// so that "a)(b" is an error although the group around it would make it valid.
func newCustom(public Converter) (*converter, error) {
	c := &converter{kind: customConverter, weight: public.Weight, parse: public.Parse, format: public.Format}
	if c.weight == 0 {
		c.weight = 100
	}
	switch {
	case public.Pattern != "":
		parsed, err := syntax.Parse(public.Pattern, syntax.Perl)
		if err != nil {
			return nil, err
		}
		if !public.Slashes && wantsSlash(parsed) {
			return nil, errWantsSlash
		}
		pattern, err := regexp.Compile(`\A(?:` + public.Pattern + `)\z`)
		if err != nil {
			return nil, err
		}
		c.form = form{kind: regexpForm, pattern: pattern, source: public.Pattern, slashes: public.Slashes}
	// Without a Pattern, the variable takes what path or string would take.
	case public.Slashes:
		c.form = form{kind: pathForm}
	default:
		c.form = form{kind: textForm, min: 1, max: math.MaxInt}
	}
	return c, nil
}

// wantsSlash reports whether every string that a regular expression matches contains a slash, if
// that is easily seen. Such a variable would never match, because the tree cuts the path at slashes
// before it asks the pattern:
//
//	[a-z]+/[a-z]+    true
//	a/b|c/d          true
//	a/b|c            false: "c" has none
//	/?[a-z]+         false: it also matches without the slash
//	.+               false
func wantsSlash(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpLiteral:
		return slices.Contains(e.Rune, '/')
	// A class of one character. A larger class also matches a character that is not a slash.
	case syntax.OpCharClass:
		return len(e.Rune) == 2 && e.Rune[0] == '/' && e.Rune[1] == '/'
	// Its operand occurs at least once. OpStar and OpQuest are not here, because they match without
	// it.
	case syntax.OpCapture, syntax.OpPlus:
		return wantsSlash(e.Sub[0])
	case syntax.OpRepeat:
		return e.Min > 0 && wantsSlash(e.Sub[0])
	// One operand with a slash is enough.
	case syntax.OpConcat:
		return slices.ContainsFunc(e.Sub, wantsSlash)
	// In a choice, all of them need it.
	case syntax.OpAlternate:
		return !slices.ContainsFunc(e.Sub, func(choice *syntax.Regexp) bool { return !wantsSlash(choice) })
	}
	return false
}

// read calls set with each argument and its name. An argument without a name gets the name for its
// position, as in a call of a Python function:
//
//	string(2, 5)    minlength is 2, maxlength is 5
//	int(4, max=9)   fixed_digits is 4, max is 9
//
// None leaves an argument at its default, as it does in Werkzeug.
func read(arguments []Argument, names []string, set func(name, text string) error) error {
	for i, a := range arguments {
		name := a.Name
		if name == "" && i < len(names) {
			name = names[i]
		}
		known := false
		for _, n := range names {
			known = known || n == name
		}
		switch {
		case len(names) == 0:
			return faultf(a.Offset, "the converter takes no arguments")
		case name == "":
			return faultf(a.Offset, "too many arguments: there are %s", strings.Join(names, ", "))
		case !known:
			return faultf(a.Offset, "unknown argument %q: there are %s", name, strings.Join(names, ", "))
		case given(arguments[:i], names, name):
			return faultf(a.Offset, "the argument %q is given twice", name)
		}
		if a.Text == "None" {
			continue
		}
		if err := set(name, a.Text); err != nil {
			return faultf(a.Offset, "%v", err)
		}
	}
	return nil
}

// given reports whether one of the arguments has the name.
func given(arguments []Argument, names []string, name string) bool {
	for i, a := range arguments {
		if a.Name == name || a.Name == "" && names[i] == name {
			return true
		}
	}
	return false
}

// refusedArgument says what an argument must be, if err says that it was not: "max is a whole
// number, not "x"". The error of strconv would name a function that the author of a rule does not
// know.
func refusedArgument(name, text, kind string, err error) error {
	if name == "signed" {
		kind = "True or False"
	}
	if err != nil {
		return fmt.Errorf("%s is %s, not %q", name, kind, text)
	}
	return nil
}

// truth reads a bool. True and False are Python's, as rules that come from Werkzeug have them; the
// others are for authors who write Go.
func truth(text string) (bool, error) {
	switch text {
	case "True", "true", "1":
		return true, nil
	case "False", "false", "0":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

// checks reports whether a string of the right form can still be refused. An int without bounds is
// among them: "99999999999999999999" has the form of digits, and does not fit an int.
func (c *converter) checks() bool {
	switch c.kind {
	case intConverter, floatConverter:
		return true
	// Parse is a function of the application, which can return an error for any string.
	case customConverter:
		return c.parse != nil
	}
	return false
}

// decided reports whether the converter accepts every segment that a digitsEdge takes. Such an edge
// has already found out that the number fits an int, so that the converter need not be asked. This
// holds for most rules with an int, and their matches then depend only on the path and the method.
func (c *converter) decided() bool {
	return c.kind == intConverter && c.digits == 0 && !c.bounded && !c.form.signed
}

// accepts reports whether a string of the right form has a value.
//
//	<int(max=9):n>            "7"    true
//	                          "12"   false, out of range
//	<int(fixed_digits=3):n>   "007"  true
//	                          "07"   false
//	<float(min=0.5):f>        "0.4"  false
func (c *converter) accepts(text string) bool {
	switch c.kind {
	case intConverter:
		_, ok := c.int(text)
		return ok
	case floatConverter:
		_, ok := c.float(text)
		return ok
	case customConverter:
		if c.parse != nil {
			_, err := c.parse(text)
			return err == nil
		}
	}
	return true
}

// value returns the value of a string that the converter accepts. It is called when a handler reads
// the value, not during the match: most values of most matches are read once or never. So a
// converter's Parse can be called again, and must return an equal value.
func (c *converter) value(text string) any {
	switch c.kind {
	case intConverter:
		n, _ := c.int(text)
		return n
	case floatConverter:
		f, _ := c.float(text)
		return f
	// The form has been checked, so there is no error.
	case uuidConverter:
		u, _ := uuid.Parse(text)
		return u
	case customConverter:
		if c.parse != nil {
			// Parse accepted the string during the match. If it refuses it now, it breaks its
			// contract, and the handler gets nil.
			if v, err := c.parse(text); err == nil {
				return v
			}
			return nil
		}
	}
	return text
}

// int returns the number in text, which has the form of digits, if it has the right number of
// digits and is within the bounds. A sign counts as a digit, as in Werkzeug, so that "-07" has
// three.
func (c *converter) int(text string) (int, bool) {
	if c.digits > 0 && len(text) != c.digits {
		return 0, false
	}
	n, ok := parseInt(text)
	return n, ok && (!c.bounded || int64(n) >= c.min && int64(n) <= c.max)
}

// float does the same for a float. A number that is too large for a float64 is an error of
// ParseFloat, so that no handler gets an infinity from a URL.
func (c *converter) float(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && f >= c.low && f <= c.high
}

// surelyInt is the largest number of digits with which a number always fits an int: 18 of the 19
// digits of 9223372036854775807, or 9 of the 10 digits of 2147483647.
const surelyInt = 9 + 9*(strconv.IntSize/64)

// parseInt reads digits with an optional minus sign; it reports false if they are too many for an
// int. The caller knows that text has the form of digits, so the loop checks nothing.
func parseInt(text string) (int, bool) {
	// Long numbers can overflow, and only Atoi finds that out. Numbers of a URL are mostly short.
	if len(text) > surelyInt || text != "" && text[0] == '-' {
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	n := 0
	for i := 0; i < len(text); i++ {
		n = n*10 + int(text[i]-'0')
	}
	return n, true
}

// isInt reports whether digits fit an int. It is called for more digits than surelyInt, so it is
// not on the way of usual requests.
func isInt(text string) bool {
	_, err := strconv.Atoi(text)
	return err == nil
}
