package routing

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/internal/routelist"
)

// Options are the settings of a Map. The zero value has Werkzeug's defaults.
type Options struct {
	// LooseSlashes makes a slash at the end of a path mean nothing: no
	// redirects to branches, and leaves match with one. It is what Werkzeug
	// calls strict_slashes=False; [Rule].StrictSlashes overrides it.
	LooseSlashes bool
	// KeepSlashes makes several slashes in a row differ from one. It is what
	// Werkzeug calls merge_slashes=False; [Rule].MergeSlashes overrides it.
	KeepSlashes bool
	// KeepDefaults serves a URL that spells out defaults, and an alias, where
	// they are instead of redirecting (redirect_defaults=False).
	KeepDefaults bool
	// AnswerOptions makes Match return an [OptionsAnswer] for OPTIONS where no
	// rule of the path names that method, instead of a 405.
	AnswerOptions bool

	// ServerName is the host below which subdomains are counted, with its port
	// if that is not the scheme's own. Without it no subdomain is known, and
	// every request is one to DefaultSubdomain.
	ServerName string
	// DefaultSubdomain is the subdomain of rules that name none.
	DefaultSubdomain string
	// HostMatching makes Rule.Host count, and Rule.Subdomain an error.
	HostMatching bool

	// SortParameters sorts the query of built URLs: by SortKey, or else by name
	// and value.
	SortParameters bool
	// SortKey orders the query of built URLs.
	SortKey func(a, b Value) int
	// LooseBuild formats values without asking whether the rule would match
	// what comes of them, as Werkzeug does: an integer out of its range is
	// written, a float given for an integer is cut off, a UUID's text taken as
	// it is, a slash left to part segments. It is for moving an application
	// whose URLs rely on that.
	LooseBuild bool

	// Converters are further converters by name; "default" is the one of a
	// variable that names none. A built-in one may be replaced.
	Converters map[string]ConverterFunc
}

// Map holds rules, and finds the one for a request and the URL of an endpoint.
// Its methods may be called by many goroutines at a time.
type Map[T any] struct {
	options  Options
	mu       sync.Mutex // held while rules are added
	snapshot atomic.Pointer[snapshot[T]]
}

// snapshot is what a Map knows at a time. It never changes.
type snapshot[T any] struct {
	*table
	rules []Rule[T] // in the order they were added
}

// NewMap returns a Map of the rules with the default options. Its error names
// every rule that is refused, as a [RuleError].
func NewMap[T any](groups ...Group[T]) (*Map[T], error) {
	return newMap(Options{}, groups, caller(1))
}

// MustMap is NewMap for rules that the program itself states: it panics where
// that returns an error.
func MustMap[T any](groups ...Group[T]) *Map[T] {
	return must(newMap(Options{}, groups, caller(1)))
}

// NewMapWith is [NewMap] with options.
func NewMapWith[T any](options Options, groups ...Group[T]) (*Map[T], error) {
	return newMap(options, groups, caller(1))
}

// MustMapWith is [MustMap] with options.
func MustMapWith[T any](options Options, groups ...Group[T]) *Map[T] {
	return must(newMap(options, groups, caller(1)))
}

func newMap[T any](options Options, groups []Group[T], where string) (*Map[T], error) {
	m := &Map[T]{options: options}
	m.snapshot.Store(&snapshot[T]{table: &table{}})
	if err := m.add(groups, where); err != nil {
		return nil, err
	}
	if routelist.Wanted() {
		routelist.Add(m.listed)
	}
	return m, nil
}

func must[T any](m *Map[T], err error) *Map[T] {
	if err != nil {
		panic(err)
	}
	return m
}

// Add adds rules, which matches and builds that begin after it see; they are
// all added or, if there is an error, none. It builds the state machine anew,
// so add many at once rather than one by one.
func (m *Map[T]) Add(groups ...Group[T]) error {
	return m.add(groups, caller(1))
}

func (m *Map[T]) add(groups []Group[T], where string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.snapshot.Load().bridge != nil {
		return errors.New("routing: a map that FromMux made takes no further rules: use Fallback to try another map first")
	}
	old := m.snapshot.Load().rules
	rules := make([]Rule[T], len(old), len(old)+len(groups))
	copy(rules, old)
	rules = appendRules(rules, groups)
	for i := range rules {
		if rules[i].where == "" {
			rules[i].where = where
		}
	}
	b := newBuilder(m.options, len(rules))
	for i := range rules {
		b.add(described(&rules[i]))
	}
	t, err := b.finish()
	if err != nil {
		return err
	}
	m.snapshot.Store(&snapshot[T]{table: t, rules: rules})
	return nil
}

// All returns the rules in the order they were added.
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

// Expects reports whether some rule of the endpoint has all of the arguments as
// variables or defaults.
func (m *Map[T]) Expects(endpoint string, arguments ...string) bool {
	return slices.ContainsFunc(m.snapshot.Load().endpoints[endpoint], func(r *rule) bool {
		return !slices.ContainsFunc(arguments, func(name string) bool {
			return !slices.Contains(r.arguments, name)
		})
	})
}

// String returns a table of the rules: methods, path, endpoint and what is
// special.
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
		{r.Route != nil, "with conditions"},
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

// caller returns the file and line of the function skip frames above the one
// that called caller.
func caller(skip int) string {
	_, file, line, ok := runtime.Caller(skip + 1)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// description is a Rule without its target.
type description struct {
	path, endpoint, subdomain, host, redirectTo, where string

	methods                     []string
	defaults                    map[string]any
	buildOnly, alias, webSocket bool
	bareHost                    bool
	strict, merge               Setting
	redirectFunc                func(*http.Request, Args) string
	route                       *mux.Route
}

func described[T any](r *Rule[T]) description {
	return description{
		path: r.Path, endpoint: r.Endpoint, subdomain: r.Subdomain, host: r.Host,
		redirectTo: r.RedirectTo, where: r.where, methods: r.Methods, defaults: r.Defaults,
		buildOnly: r.BuildOnly, alias: r.Alias, webSocket: r.WebSocket, bareHost: r.BareHost,
		strict: r.StrictSlashes, merge: r.MergeSlashes,
		redirectFunc: r.RedirectFunc, route: r.Route,
	}
}

// builder makes a table of rules, and collects what is wrong with them.
type builder struct {
	table    *table
	compiler *compiler
	rules    []rule
	errs     []error
}

func newBuilder(options Options, rules int) *builder {
	return &builder{
		table: &table{
			options:   options,
			rules:     make([]*rule, 0, rules),
			endpoints: make(map[string][]*rule, rules),
			methods:   map[string]methodSet{},
			hosts:     map[string]*state{},
			refusals:  map[methodSet]*MethodNotAllowed{},
		},
		compiler: newCompiler(options),
		rules:    make([]rule, 0, rules),
	}
}

// RuleError says why a rule is refused.
type RuleError struct {
	// Rule is the rule's text, Where the file and line of its registration.
	Rule, Where string
	// Offset is where in the text the fault is, in bytes; -1 if it is not in
	// the text.
	Offset int
	// Reason says what is wrong.
	Reason string
}

// Error names the rule, the place in it, and the reason.
func (e *RuleError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("routing: rule %q%s (%s): %s", e.Rule, at, e.Where, e.Reason)
}

func (b *builder) refuse(d description, text string, err error) {
	refusal := &RuleError{Rule: text, Where: d.where, Offset: -1, Reason: err.Error()}
	var fault *syntaxError
	if errors.As(err, &fault) {
		refusal.Offset = fault.offset
	}
	b.errs = append(b.errs, refusal)
}

// add compiles a rule.
func (b *builder) add(d description) {
	o := &b.table.options
	b.rules = append(b.rules, rule{
		index: len(b.rules), path: d.path, endpoint: d.endpoint, where: d.where,
		webSocket: d.webSocket, alias: d.alias, buildOnly: d.buildOnly,
		strict: d.strict.or(!o.LooseSlashes), merge: d.merge.or(!o.KeepSlashes),
		redirectTo: d.redirectTo, redirectFunc: d.redirectFunc, route: d.route,
	})
	r := &b.rules[len(b.rules)-1]
	if err := b.contradiction(d); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	var err error
	if r.methods, r.names, err = b.table.learn(d.methods); err == nil && r.webSocket && len(r.names) > 0 &&
		r.methods&^(getMethod|headMethod|optionsMethod) != 0 {
		err = fmt.Errorf("a WebSocket is opened by GET only")
	}
	if err != nil {
		b.refuse(d, d.path, err)
		return
	}
	c := b.compiler
	c.rule = r
	domain := d.host
	if !o.HostMatching {
		if domain = d.subdomain; domain == "" && !d.bareHost {
			domain = o.DefaultSubdomain
		}
	}
	if err := c.domain(domain); err != nil {
		b.refuse(d, domain, err)
		return
	}
	if err := c.path(d.path); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	if err := r.setDefaults(d.defaults, o.LooseBuild); err != nil {
		b.refuse(d, d.path, err)
		return
	}
	if err := r.checkRedirect(); err != nil {
		b.refuse(d, d.redirectTo, err)
		return
	}
	b.enter(r, d)
}

// contradiction reports what cannot be meant.
func (b *builder) contradiction(d description) error {
	o := &b.table.options
	switch {
	case d.route != nil:
		if err := d.route.GetError(); err != nil {
			return fmt.Errorf("its Route: %w", err)
		}
		if _, err := d.route.GetPathTemplate(); err == nil {
			return fmt.Errorf("its Route has a path of its own")
		}
		if _, err := d.route.GetMethods(); err == nil {
			return fmt.Errorf("its Route has methods of its own: the rule's Methods are asked before it")
		}
		d.route = nil
		return b.contradiction(d)
	case !strings.HasPrefix(d.path, "/"):
		return faultf(0, "a rule starts with a slash")
	case o.HostMatching && d.subdomain != "":
		return fmt.Errorf("with HostMatching a rule has a Host, not a Subdomain")
	case !o.HostMatching && d.host != "":
		return fmt.Errorf("a rule's Host needs the option HostMatching")
	case d.redirectTo != "" && d.redirectFunc != nil:
		return fmt.Errorf("it has both RedirectTo and RedirectFunc")
	case d.alias && d.endpoint == "":
		return fmt.Errorf("an alias needs the endpoint that it is an alias of")
	}
	return nil
}

// enter leads a compiled rule into the machine.
func (b *builder) enter(r *rule, d description) {
	t := b.table
	t.rules = append(t.rules, r)
	t.endpoints[r.endpoint] = append(t.endpoints[r.endpoint], r)
	t.elsewhere = t.elsewhere || r.host[0].pattern != nil || r.host[0].static != t.options.DefaultSubdomain
	if r.buildOnly {
		return
	}
	s := t.add(r)
	for _, o := range s.rules[:len(s.rules)-1] {
		if o.duplicates(r) {
			b.refuse(d, d.path, fmt.Errorf("it matches nothing that rule %q (%s) does not match before it", o.path, o.where))
			return
		}
	}
}

// duplicates reports whether r, which comes later and ends at the same state,
// stands for requests that o takes.
func (o *rule) duplicates(r *rule) bool {
	if o.webSocket != r.webSocket || o.route != nil || r.route != nil {
		return false
	}
	for i := range r.variables {
		if r.variables[i].converter.name != o.variables[i].converter.name && (r.checked || o.checked) {
			return false
		}
	}
	return o.methods == r.methods || o.methods&r.methods&^(headMethod|optionsMethod) != 0
}

func (b *builder) finish() (*table, error) {
	if len(b.errs) > 0 {
		return nil, errors.Join(b.errs...)
	}
	t := b.table
	t.finish()
	for _, r := range t.rules {
		r.simple = !r.checked && !r.webSocket && r.route == nil
		r.hosted = len(r.variables) > 0 && r.variables[0].host
		r.special = r.alias && !t.options.KeepDefaults || r.redirectTo != "" || r.redirectFunc != nil
	}
	for _, rules := range t.endpoints {
		slices.SortStableFunc(rules, func(a, b *rule) int {
			if a.alias != b.alias {
				return int(bit(a.alias)) - int(bit(b.alias))
			}
			if c := len(b.arguments) - len(a.arguments); c != 0 {
				return c
			}
			return len(b.defaults) - len(a.defaults)
		})
		if t.options.KeepDefaults {
			continue
		}
		var short []*rule // those with defaults, which come before r
		for _, r := range rules {
			for _, o := range short {
				if o.providesDefaultsFor(r) {
					r.shorter, r.special = append(r.shorter, o), true
				}
			}
			if len(r.defaults) > 0 {
				short = append(short, r)
			}
		}
	}
	return t, nil
}

// setDefaults sorts the rule's defaults and adds up its arguments.
func (r *rule) setDefaults(defaults map[string]any, loose bool) error {
	for name, value := range defaults {
		r.defaults = append(r.defaults, valueOf(name, value))
	}
	slices.SortFunc(r.defaults, func(a, b Value) int { return strings.Compare(a.name, b.name) })
	for i := range r.variables {
		r.arguments = append(r.arguments, r.variables[i].name)
	}
	for _, d := range r.defaults {
		r.arguments = append(r.arguments, d.name)
	}
	slices.Sort(r.arguments)
	r.arguments = slices.Compact(r.arguments)
	// A variable that has a default is built as that.
	for _, ops := range [][]op{r.hostOps, r.pathOps} {
		for i, o := range ops {
			if o.variable < 0 {
				continue
			}
			v := &r.variables[o.variable]
			d, ok := r.defaultOf(v.name)
			if !ok {
				continue
			}
			text, err := v.converter.appendValue(nil, &d, loose)
			if err != nil {
				return fmt.Errorf("the default of %q: %w", v.name, err)
			}
			ops[i] = op{text: string(text), variable: -1}
		}
	}
	return nil
}
