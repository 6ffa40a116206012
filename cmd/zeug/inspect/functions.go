package inspect

import (
	"fmt"
	"html"
	"math"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// knownFunctions are functions of the standard library that an expression can call. Each depends on
// its arguments alone, and this process calls its own copy.
var knownFunctions = map[string]any{
	"strings.Compare": strings.Compare, "strings.Contains": strings.Contains, "strings.ContainsAny": strings.ContainsAny, "strings.Count": strings.Count,
	"strings.EqualFold": strings.EqualFold, "strings.Fields": strings.Fields, "strings.HasPrefix": strings.HasPrefix, "strings.HasSuffix": strings.HasSuffix,
	"strings.Index": strings.Index, "strings.IndexAny": strings.IndexAny, "strings.LastIndex": strings.LastIndex, "strings.Join": strings.Join,
	"strings.Repeat": repeat, "strings.ReplaceAll": replaceAll, "strings.Split": strings.Split, "strings.SplitN": strings.SplitN,
	"strings.ToLower": strings.ToLower, "strings.ToUpper": strings.ToUpper, "strings.Trim": strings.Trim, "strings.TrimLeft": strings.TrimLeft,
	"strings.TrimPrefix": strings.TrimPrefix, "strings.TrimRight": strings.TrimRight, "strings.TrimSpace": strings.TrimSpace, "strings.TrimSuffix": strings.TrimSuffix,
	"strconv.Itoa": strconv.Itoa, "strconv.Quote": strconv.Quote, "strconv.FormatBool": strconv.FormatBool, "strconv.FormatInt": strconv.FormatInt,
	"math.Abs": math.Abs, "math.Ceil": math.Ceil, "math.Floor": math.Floor, "math.Max": math.Max, "math.Min": math.Min, "math.Round": math.Round,
	"math.Sqrt": math.Sqrt, "math.Trunc": math.Trunc, "math.IsNaN": math.IsNaN,
	"path.Base": path.Base, "path.Clean": path.Clean, "path.Dir": path.Dir, "path.Ext": path.Ext,
	"unicode/utf8.RuneCountInString": utf8.RuneCountInString, "unicode/utf8.ValidString": utf8.ValidString,
	"net/url.PathEscape": url.PathEscape, "net/url.QueryEscape": url.QueryEscape,
	"html.EscapeString":   html.EscapeString,
	"net/http.StatusText": http.StatusText, "net/http.CanonicalHeaderKey": http.CanonicalHeaderKey,
	"fmt.Sprint": fmt.Sprint, "fmt.Sprintf": fmt.Sprintf, "fmt.Sprintln": fmt.Sprintln,
}

// tooLong is a panic of a function whose result would be too long.
type tooLong struct{}

func repeat(s string, count int) string {
	if count > 0 && len(s) > maxOperand/count {
		panic(tooLong{})
	}
	return strings.Repeat(s, count)
}

func replaceAll(s, old, replacement string) string {
	if (strings.Count(s, old)+1)*len(replacement)+len(s) > maxOperand {
		panic(tooLong{})
	}
	return strings.ReplaceAll(s, old, replacement)
}

// knownMethods has the methods that an expression can call, for each type of copiedTypes.
var knownMethods = map[string]string{
	"time.Time":                   " Year Month Day Hour Minute Second Nanosecond Unix UnixMilli UnixMicro UnixNano Weekday YearDay Format String Before After Equal Compare Sub Add AddDate Truncate Round UTC IsZero ",
	"time.Duration":               " String Hours Minutes Seconds Milliseconds Microseconds Nanoseconds Abs Round Truncate ",
	"net/url.URL":                 " String Query Hostname Port IsAbs EscapedPath EscapedFragment RequestURI Redacted ",
	"net/url.Values":              " Get Has Encode ",
	"net/http.Header":             " Get Values ",
	"net/netip.Addr":              " String Is4 Is6 Is4In6 IsValid IsLoopback IsPrivate IsMulticast IsUnspecified IsGlobalUnicast Unmap Zone Compare Less Next Prev BitLen ",
	"net/netip.AddrPort":          " String IsValid Addr Compare ",
	"net/netip.Prefix":            " String IsValid Addr Bits Contains Overlaps Masked IsSingleIP ",
	"net.IP":                      " String IsLoopback IsPrivate IsMulticast IsUnspecified ",
	"net.IPNet":                   " String Contains ",
	"net.HardwareAddr":            " String ",
	"math/big.Int":                " String Sign Int64 IsInt64 Uint64 IsUint64 BitLen Cmp ",
	"math/big.Rat":                " String Sign IsInt Cmp ",
	"github.com/google/uuid.UUID": " String ",
}

// packageNames maps the names that files use for the packages of knownFunctions to their import
// paths. A file's import may give a package another name.
var packageNames = map[string]string{}

func init() {
	for name := range knownFunctions {
		pkg := name[:strings.LastIndexByte(name, '.')]
		packageNames[path.Base(pkg)] = pkg
	}
	packageNames["errors"] = "errors"
}

// errUnknownFunction says that a function cannot be called. The explanation of the whole expression
// says more.
func errUnknownFunction(name string) error {
	return fmt.Errorf("the result of %s is not known", name)
}
