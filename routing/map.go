package routing

import (
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/routelist"
)

// Options are the settings of a Map. The zero value has Werkzeug's defaults.
type Options struct {
	// StrictSlashes is the default for [Rule].StrictSlashes. Default: On.
	StrictSlashes Switch
	// MergeSlashes is the default for [Rule].MergeSlashes. Default: On. If it is Off, no path
	// redirects to its spelling with single slashes.
	MergeSlashes Switch
	// KeepDefaults serves URLs that spell out defaults, and aliases, instead of redirecting them
	// (redirect_defaults=False).
	KeepDefaults bool
	// AutomaticOptions makes Match answer OPTIONS, with an error that is the response, if no rule
	// of the path names that method. Without it the response is a 405.
	AutomaticOptions bool

	// ServerName is the host below which subdomains are counted, with its port if that is not the
	// default port of the scheme. A request to a host outside of it, such as one to the server's
	// address, counts as a request to DefaultSubdomain. Without a ServerName, every request does.
	ServerName string
	// DefaultSubdomain is the subdomain of rules that name none.
	DefaultSubdomain string
	// HostMatching enables Rule.Host, and makes Rule.Subdomain an error.
	HostMatching bool

	// SortParameters sorts the query of built URLs by SortKey or, without one, by name and value.
	SortParameters bool
	// SortKey orders the query of built URLs.
	SortKey func(a, b Value) int
	// LooseBuild formats values without checking that the rule would match them, as Werkzeug does.
	// It writes an integer that is out of its range, and truncates a float that is given for an
	// integer. It writes a UUID's text unchanged, and a slash then separates segments. So another
	// rule may match the URL first. Use it to move an application whose URLs rely on that.
	LooseBuild bool

	// Converters are additional converters by name; "default" is the converter of variables that
	// name none. A built-in one may be replaced.
	Converters map[string]ConverterFunc

	// Logger gets records about mistakes in the program, such as a param that a rule does not have.
	// Nil means [slog.Default].
	Logger *slog.Logger
}

// Map holds rules. It finds the rule for a request and the URL of an endpoint. Its methods may be
// called by many goroutines at a time.
//
//	urls.Add ─► the tree of all rules is made ─► snapshot.Store
//	requests ─► snapshot.Load ─► match, without a lock
type Map[T any] struct {
	options Options
	// mu is locked while rules are added, so that two calls of Add do not both start from the same
	// rules, and one of them loses its own.
	mu sync.Mutex
	// snapshot is never nil. Each method loads it once, so that it sees one state.
	snapshot atomic.Pointer[snapshot[T]]
}

// snapshot is the state of a Map at one time. It never changes.
type snapshot[T any] struct {
	*table
	// rules are in the order in which they were added, which is the order of rule.index. They are
	// copies, so the program may change its own.
	rules []Rule[T]
}

// NewMap returns a Map of the rules with the default options. Its error names every rule that is
// refused, as a [RuleError].
func NewMap[T any](groups ...Group[T]) (*Map[T], error) {
	return newMap(Options{}, groups, caller(1))
}

// MustMap is like NewMap, but panics if there is an error. Use it for rules in the source.
func MustMap[T any](groups ...Group[T]) *Map[T] {
	return must(newMap(Options{}, groups, caller(1)))
}

// NewMapWith is like [NewMap], but with options.
func NewMapWith[T any](options Options, groups ...Group[T]) (*Map[T], error) {
	return newMap(options, groups, caller(1))
}

// MustMapWith is like [MustMap], but with options.
func MustMapWith[T any](options Options, groups ...Group[T]) *Map[T] {
	return must(newMap(options, groups, caller(1)))
}

// newMap makes the Map of all constructors. where is the place of their call, for rules without
// one.
func newMap[T any](options Options, groups []Group[T], where string) (*Map[T], error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	m := &Map[T]{options: options}
	// add starts from the rules of a snapshot, so there must be one.
	m.snapshot.Store(&snapshot[T]{table: &table{}})
	if err := m.add(groups, where); err != nil {
		return nil, err
	}
	// The list has a weak pointer to the Map, so a Map that is not used any longer can be freed.
	routelist.Add(m, (*Map[T]).listed)
	return m, nil
}

// check returns an error for options that cannot work.
func (o *Options) check() error {
	if _, err := hosts.Normalize(o.ServerName, ""); err != nil || strings.ContainsAny(o.ServerName, "/?#@ ") {
		return fmt.Errorf("routing: the ServerName %q is not a valid host name, such as example.org or localhost:8080", o.ServerName)
	}
	for name, converter := range o.Converters {
		// The name must be one that a rule can write: letters of ASCII, digits and underscores.
		switch s := (scanner{text: name}); {
		case s.identifier() != name || name == "":
			return fmt.Errorf("routing: no rule can name the converter %q: letters, digits and underscores make a name", name)
		case converter == nil:
			return fmt.Errorf("routing: the converter %q is nil", name)
		}
	}
	return nil
}

func must[T any](m *Map[T], err error) *Map[T] {
	if err != nil {
		panic(err)
	}
	return m
}

// Add adds rules. Matches and builds that begin later use them. If there is an error, none of the
// rules is added. It builds the whole tree again, so add many rules at once rather than one by one.
func (m *Map[T]) Add(groups ...Group[T]) error {
	return m.add(groups, caller(1))
}

// It makes a new table from the old rules and the new ones. For a Map with /a, add("/b") does
//
//	rules    /a  /b        a new list: the old one belongs to the old snapshot
//	table    of both       made beside the old one, which requests still use
//	Store                  later requests see both; on an error, nothing changes
func (m *Map[T]) add(groups []Group[T], where string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.snapshot.Load().rules
	// The tree has pointers into rules, so the list must not grow after it.
	rules := make([]Rule[T], len(old), len(old)+count(groups))
	copy(rules, old)
	rules = appendRules(rules, groups)
	for i := range rules {
		if rules[i].where == "" {
			rules[i].where = where
		}
	}
	// The old rules are compiled again too. A tree that could be changed would need a lock in each
	// match.
	b := newBuilder(m.options, len(rules))
	for i := range rules {
		b.add(defined(&rules[i]))
	}
	t, err := b.finish()
	if err != nil {
		return err
	}
	// Only here are both sides known: the table does not know T, and rules has its final place.
	for _, r := range t.rules {
		r.public, r.logger = &rules[r.index], m.options.Logger
	}
	m.snapshot.Store(&snapshot[T]{table: t, rules: rules})
	return nil
}

// All returns the rules in the order in which they were added.
func (m *Map[T]) All() iter.Seq[*Rule[T]] {
	return func(yield func(*Rule[T]) bool) {
		rules := m.snapshot.Load().rules
		for i := range rules {
			if !yield(&rules[i]) {
				return
			}
		}
	}
}

// HasParams reports whether some rule of the endpoint has all of the arguments as variables or
// defaults.
func (m *Map[T]) HasParams(endpoint string, arguments ...string) bool {
	return slices.ContainsFunc(m.snapshot.Load().endpoints[endpoint], func(r *rule) bool {
		return !slices.ContainsFunc(arguments, func(name string) bool {
			return !slices.Contains(r.arguments, name)
		})
	})
}

// String returns a table of the rules: methods, path, endpoint and special settings.
//
//	GET  /user/<int:id>  user
//	*    /old                  redirects to /
func (m *Map[T]) String() string {
	rules := m.snapshot.Load().rules
	lines := make([][4]string, len(rules))
	var widths [3]int
	for i := range rules {
		r := &rules[i]
		methods := "*"
		if len(r.Methods) > 0 {
			methods = strings.Join(r.Methods, ",")
		}
		lines[i] = [4]string{methods, r.place(), r.Endpoint, r.remarks()}
		for c := range widths {
			widths[c] = max(widths[c], len([]rune(lines[i][c])))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		text := fmt.Sprintf("%-*s  %-*s  %-*s  %s", widths[0], line[0], widths[1], line[1], widths[2], line[2], line[3])
		b.WriteString(strings.TrimRight(text, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// remarks lists the settings of a rule that are not in the other columns.
func (r *Rule[T]) remarks() string {
	var list []string
	for _, remark := range []struct {
		applies bool
		text    string
	}{
		{r.BuildOnly, "builds only"},
		{r.Alias, "alias"},
		{r.RedirectTo != "", "redirects to " + r.RedirectTo},
		{r.RedirectFunc != nil, "redirects"},
		{r.WebSocket, "websocket"},
		{r.Condition != nil, "with a condition"},
	} {
		if remark.applies {
			list = append(list, remark.text)
		}
	}
	if len(r.Defaults) > 0 {
		list = append(list, "defaults "+strings.TrimPrefix(fmt.Sprint(r.Defaults), "map"))
	}
	return strings.Join(list, ", ")
}

// caller returns the file and line of the function skip frames above the one that called caller.
func caller(skip int) string {
	_, file, line, ok := runtime.Caller(skip + 1)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}
