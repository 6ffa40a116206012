package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"

	"github.com/flosch/pongo2/v6"
)

// The tags that [rewrite] inserts into templates.
const (
	tagValue     = "zeug_value"
	tagEnter     = "zeug_enter"
	tagLeave     = "zeug_leave"
	tagAt        = "zeug_at"
	tagInclude   = "zeug_include"
	tagCycle     = "zeug_cycle"
	tagFirstOf   = "zeug_firstof"
	tagIfChanged = "zeug_ifchanged"
)

// keyRendering is the name in the context under which the rendering is stored.
const keyRendering = "zeug_rendering"

// maxNesting is how deep macros and included templates may call each other while a
// template is rendered. A macro that calls itself endlessly would end the whole process.
const maxNesting = 200

var errNesting = fmt.Errorf("macros or includes call each other more than %d levels deep: one calls itself without an end", maxNesting)

func init() {
	for name, parser := range map[string]pongo2.TagParser{
		tagValue: parseValue, tagEnter: parseEnter, tagLeave: parseLeave, tagAt: parseAt, tagInclude: parseInclude,
		tagCycle: parseCycle, tagFirstOf: parseFirstOf, tagIfChanged: parseIfChanged,
	} {
		if err := pongo2.RegisterTag(name, parser); err != nil {
			panic(err)
		}
	}
}

// renderingOf returns the rendering for which a tag is executed.
func renderingOf(ctx *pongo2.ExecutionContext) *rendering {
	switch run := ctx.Public[keyRendering].(type) {
	case *rendering:
		return run
	case *pongo2.Value: // an include has passed it on
		return run.Interface().(*rendering)
	}
	panic("templates: a tag of this package is executed outside of an Environment")
}

// nest counts a macro or include that begins.
func (run *rendering) nest(ctx *pongo2.ExecutionContext, token *pongo2.Token) *pongo2.Error {
	if run.nesting++; run.nesting > maxNesting {
		run.cause = errNesting // pongo2 would add a line for each level
		return ctx.OrigError(errNesting, token)
	}
	return nil
}

// operand is a value that a tag writes.
type operand struct {
	expr pongo2.IEvaluator
	safe bool // the template marks it so
}

// parseOperand reads an expression.
func parseOperand(arguments *pongo2.Parser) (operand, *pongo2.Error) {
	expr, err := arguments.ParseExpression()
	if err != nil {
		return operand{}, err
	}
	return operand{expr, expr.FilterApplied("safe")}, nil
}

// write writes a value as text, escaped unless it is marked as safe.
func (o operand) write(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter, value *pongo2.Value) {
	text := textOf(value.Interface())
	if isSafe(value) {
		w.WriteString(text)
		return
	}
	o.writeText(ctx, w, text)
}

// writeText writes a text, escaped unless the template marks it as safe.
func (o operand) writeText(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter, text string) {
	if ctx.Autoescape && !o.safe {
		text = escaper.Replace(text)
	}
	w.WriteString(text)
}

// at records a place for panics that come after it.
type at struct{ token *pongo2.Token }

func parseAt(_ *pongo2.Parser, start *pongo2.Token, _ *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	return &at{start}, nil
}

func (n *at) Execute(ctx *pongo2.ExecutionContext, _ pongo2.TemplateWriter) *pongo2.Error {
	renderingOf(ctx).at = n.token
	return nil
}

type enter struct{ token *pongo2.Token }

func parseEnter(_ *pongo2.Parser, start *pongo2.Token, _ *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	return &enter{start}, nil
}

func (n *enter) Execute(ctx *pongo2.ExecutionContext, _ pongo2.TemplateWriter) *pongo2.Error {
	return renderingOf(ctx).nest(ctx, n.token)
}

type leave struct{}

func parseLeave(_ *pongo2.Parser, _ *pongo2.Token, _ *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	return leave{}, nil
}

func (leave) Execute(ctx *pongo2.ExecutionContext, _ pongo2.TemplateWriter) *pongo2.Error {
	renderingOf(ctx).nesting--
	return nil
}

// value is {{ expression }}.
type value struct {
	operand
	token *pongo2.Token
	names names
	link  *link // nil for everything else
}

func parseValue(_ *pongo2.Parser, start *pongo2.Token, arguments *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	n := &value{token: start, names: namesOf(arguments)}
	if first := arguments.Current(); first != nil {
		n.token = first
	}
	var err *pongo2.Error
	if n.operand, err = parseOperand(arguments); err != nil {
		return nil, err
	}
	if arguments.Remaining() > 0 {
		return nil, arguments.Error("'}}' expected", nil)
	}
	n.link = linkOf(arguments)
	return n, nil
}

func (n *value) Execute(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	run := renderingOf(ctx)
	run.at = n.token
	if n.link != nil {
		text, ok, err := n.link.build(run, ctx, n.token)
		if err != nil {
			return err
		}
		if ok {
			n.writeText(ctx, w, text)
			return nil
		}
	}
	v, err := n.expr.Evaluate(ctx)
	if err != nil {
		return err
	}
	if isNil := v.IsNil(); isNil || run.environment.options.Reload {
		if err := n.names.undefined(run, ctx); err != nil {
			return ctx.OrigError(err, n.token)
		}
		if isNil {
			return nil
		}
	}
	n.write(ctx, w, v)
	return nil
}

// include is {% include expression %}. If a template is included by a literal name, pongo2 parses
// it together with the including template.
type include struct {
	token    *pongo2.Token
	base     string
	name     pongo2.IEvaluator
	ifExists bool
	only     bool
	with     map[string]pongo2.IEvaluator
}

func parseInclude(_ *pongo2.Parser, start *pongo2.Token, arguments *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	n := &include{token: start, base: arguments.MatchType(pongo2.TokenString).Val, with: map[string]pongo2.IEvaluator{}}
	if first := arguments.Current(); first != nil {
		n.token = first
	}
	var err *pongo2.Error
	if n.name, err = arguments.ParseExpression(); err != nil {
		return nil, err
	}
	n.ifExists = arguments.Match(pongo2.TokenIdentifier, "if_exists") != nil
	if arguments.Match(pongo2.TokenIdentifier, "with") != nil {
		for arguments.Remaining() > 0 && !n.only {
			key := arguments.MatchType(pongo2.TokenIdentifier)
			if key == nil || arguments.Match(pongo2.TokenSymbol, "=") == nil {
				return nil, arguments.Error("expected name=value", nil)
			}
			if n.with[key.Val], err = arguments.ParseExpression(); err != nil {
				return nil, err
			}
			n.only = arguments.Match(pongo2.TokenIdentifier, "only") != nil
		}
	}
	if arguments.Remaining() > 0 {
		return nil, arguments.Error("malformed arguments of include", nil)
	}
	return n, nil
}

func (n *include) Execute(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	run := renderingOf(ctx)
	own := pongo2.Context{}
	if !n.only {
		maps.Copy(own, ctx.Public)
		maps.Copy(own, ctx.Private)
	}
	for key, expr := range n.with {
		v, err := expr.Evaluate(ctx)
		if err != nil {
			return err
		}
		own[key] = v
	}
	own[keyRendering] = run
	computed, err := n.name.Evaluate(ctx)
	if err != nil {
		return err
	}
	name := (&loader{}).Abs(n.base, computed.String())
	t, failed := run.environment.template(name)
	if failed != nil {
		if n.ifExists && errors.Is(failed, fs.ErrNotExist) {
			return nil
		}
		failure := failed.(*Error)
		if failure.Line == 0 { // the file itself
			return ctx.OrigError(failure.Err, n.token)
		}
		run.failure = failure
		return ctx.OrigError(failure, n.token)
	}
	if err := run.nest(ctx, n.token); err != nil {
		return err
	}
	run.defineMissing(own, t)
	if err := t.ExecuteWriter(own, w); err != nil {
		return err.(*pongo2.Error)
	}
	run.nesting--
	return nil
}

// firstOf is {% firstof a b %}.
type firstOf struct{ operands []operand }

func parseFirstOf(_ *pongo2.Parser, _ *pongo2.Token, arguments *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	n := &firstOf{}
	for arguments.Remaining() > 0 {
		o, err := parseOperand(arguments)
		if err != nil {
			return nil, err
		}
		n.operands = append(n.operands, o)
	}
	return n, nil
}

func (n *firstOf) Execute(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	for _, o := range n.operands {
		v, err := o.expr.Evaluate(ctx)
		if err != nil {
			return err
		}
		if v.IsTrue() {
			o.write(ctx, w, v)
			return nil
		}
	}
	return nil
}

// cycle is {% cycle a b as name silent %}. pongo2 keeps the position in the parsed
// template, which all requests share; here it belongs to the rendering.
type cycle struct {
	operands []operand
	as       string
	silent   bool
}

// cycling is the value of the name of a cycle.
type cycling struct {
	cycle   *cycle
	current any
}

func parseCycle(_ *pongo2.Parser, _ *pongo2.Token, arguments *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	n := &cycle{}
	for arguments.Remaining() > 0 && n.as == "" {
		o, err := parseOperand(arguments)
		if err != nil {
			return nil, err
		}
		n.operands = append(n.operands, o)
		if arguments.Match(pongo2.TokenKeyword, "as") != nil {
			name := arguments.MatchType(pongo2.TokenIdentifier)
			if name == nil {
				return nil, arguments.Error("expected a name after 'as'", nil)
			}
			n.as = name.Val
			n.silent = arguments.Match(pongo2.TokenIdentifier, "silent") != nil
		}
	}
	if len(n.operands) == 0 || arguments.Remaining() > 0 {
		return nil, arguments.Error("malformed arguments of cycle", nil)
	}
	return n, nil
}

func (n *cycle) Execute(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	run := renderingOf(ctx)
	o, v, err := n.next(run, ctx)
	if err != nil {
		return err
	}
	if other, ok := v.Interface().(*cycling); ok { // {% cycle name %}
		if o, v, err = other.cycle.next(run, ctx); err != nil {
			return err
		}
		other.current = v.Interface()
		n = other.cycle
	} else if n.as != "" {
		ctx.Private[n.as] = &cycling{n, v.Interface()}
	}
	if !n.silent {
		o.write(ctx, w, v)
	}
	return nil
}

func (n *cycle) next(run *rendering, ctx *pongo2.ExecutionContext) (operand, *pongo2.Value, *pongo2.Error) {
	at, _ := run.state[n].(int)
	run.remember(n, at+1)
	o := n.operands[at%len(n.operands)]
	v, err := o.expr.Evaluate(ctx)
	return o, v, err
}

// remember keeps the state of a tag for its next execution within this rendering.
func (run *rendering) remember(tag, state any) {
	if run.state == nil {
		run.state = map[any]any{}
	}
	run.state[tag] = state
}

// ifChanged is {% ifchanged a b %}…{% else %}…{% endifchanged %}. Its state belongs to the
// rendering, like that of a cycle.
type ifChanged struct {
	watched     []pongo2.IEvaluator
	then, other *pongo2.NodeWrapper
}

func parseIfChanged(doc *pongo2.Parser, _ *pongo2.Token, arguments *pongo2.Parser) (pongo2.INodeTag, *pongo2.Error) {
	n := &ifChanged{}
	for arguments.Remaining() > 0 {
		expr, err := arguments.ParseExpression()
		if err != nil {
			return nil, err
		}
		n.watched = append(n.watched, expr)
	}
	var end *pongo2.Parser
	var err *pongo2.Error
	if n.then, end, err = doc.WrapUntilTag("else", "endifchanged"); err != nil {
		return nil, err
	}
	if n.then.Endtag == "else" && end.Count() == 0 {
		if n.other, end, err = doc.WrapUntilTag("endifchanged"); err != nil {
			return nil, err
		}
	}
	if end.Count() > 0 {
		return nil, end.Error("Arguments not allowed here.", nil)
	}
	return n, nil
}

func (n *ifChanged) Execute(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	run := renderingOf(ctx)
	if len(n.watched) == 0 {
		var body output
		if err := n.then.Execute(ctx, &body); err != nil {
			return err
		}
		if last, seen := run.state[n]; !seen || last != body.String() {
			run.remember(n, body.String())
			w.WriteString(body.String())
			return nil
		}
		return n.otherwise(ctx, w)
	}
	now := make([]any, len(n.watched))
	for i, expr := range n.watched {
		v, err := expr.Evaluate(ctx)
		if err != nil {
			return err
		}
		now[i] = v.Interface()
	}
	last, seen := run.state[n].([]any)
	run.remember(n, now)
	if !seen || !slices.EqualFunc(last, now, reflect.DeepEqual) {
		return n.then.Execute(ctx, w)
	}
	return n.otherwise(ctx, w)
}

func (n *ifChanged) otherwise(ctx *pongo2.ExecutionContext, w pongo2.TemplateWriter) *pongo2.Error {
	if n.other == nil {
		return nil
	}
	return n.other.Execute(ctx, w)
}
