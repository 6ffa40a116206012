package templates

import (
	"github.com/flosch/pongo2/v6"

	"github.com/zeugkit/zeug/routing"
)

// link is a call of url_for with a literal endpoint and literal names, as nearly every link of a page is
// written. pongo2 would call the function by reflection. Each call would make a slice of arguments and
// a value of each literal. A link evaluates only the expressions, and asks the Map itself:
//
//	{{ url_for("item", "id", row.ID) }}   endpoint "item", names ["id"], values [row.ID]
//
// Any other call, and any other function called url_for, is left to pongo2.
type link struct {
	endpoint string
	names    []string
	values   []pongo2.IEvaluator
}

// linkFunc is the function url_for of a rendering. Its type tells it from one that a program or a
// template defines.
type linkFunc func(endpoint string, pairs ...*pongo2.Value) (string, error)

// linkOf returns the link that the arguments are, or nil. They have been parsed as an expression
// already, and the parser stands behind them again afterwards.
func linkOf(arguments *pongo2.Parser) *link {
	parsed := arguments.Count() - arguments.Remaining()
	arguments.ConsumeN(-parsed)
	defer func() { arguments.ConsumeN(parsed - (arguments.Count() - arguments.Remaining())) }()
	if arguments.Match(pongo2.TokenIdentifier, "url_for") == nil || arguments.Match(pongo2.TokenSymbol, "(") == nil {
		return nil
	}
	endpoint := arguments.MatchType(pongo2.TokenString)
	if endpoint == nil {
		return nil
	}
	n := &link{endpoint: endpoint.Val}
	for arguments.Match(pongo2.TokenSymbol, ",") != nil {
		name := arguments.MatchType(pongo2.TokenString)
		if name == nil || name.Val == "_external" || arguments.Match(pongo2.TokenSymbol, ",") == nil {
			return nil
		}
		value, err := arguments.ParseExpression()
		if err != nil {
			return nil
		}
		n.names, n.values = append(n.names, name.Val), append(n.values, value)
	}
	if arguments.Match(pongo2.TokenSymbol, ")") == nil || arguments.Remaining() > 0 {
		return nil
	}
	return n
}

// build returns the URL. It returns false if url_for is not the function of the rendering.
func (n *link) build(run *rendering, ctx *pongo2.ExecutionContext, at *pongo2.Token) (string, bool, *pongo2.Error) {
	if _, shadowed := ctx.Private["url_for"]; shadowed {
		return "", false, nil
	}
	if _, own := ctx.Public["url_for"].(linkFunc); !own {
		return "", false, nil
	}
	values := make([]routing.Value, len(n.values))
	for i, expr := range n.values {
		v, err := expr.Evaluate(ctx)
		if err != nil {
			return "", false, err
		}
		values[i] = routing.With(n.names[i], v.Interface())
	}
	built, err := run.urls.Build(n.endpoint, values...)
	if err != nil {
		return "", false, ctx.OrigError(run.refused(n.endpoint, err), at)
	}
	return built, true, nil
}
