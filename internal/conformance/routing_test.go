package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
)

var _ = register(map[string]operation{
	"routing.match": answers(matchRoutes),
	"routing.build": buildRoutes,
})

// routes are the inputs of both operations: the arguments of Werkzeug's Map, Rule and Map.bind.
type routes struct {
	Map struct {
		DefaultSubdomain  string `json:"default_subdomain"`
		StrictSlashes     *bool  `json:"strict_slashes"`
		MergeSlashes      *bool  `json:"merge_slashes"`
		RedirectDefaults  *bool  `json:"redirect_defaults"`
		SortParameters    bool   `json:"sort_parameters"`
		HostMatching      bool   `json:"host_matching"`
		SubdomainMatching *bool  `json:"subdomain_matching"`
	}
	Rules []struct {
		Rule          string
		Endpoint      any
		Methods       []string
		Defaults      map[string]typed
		Subdomain     *string
		Host          string
		BuildOnly     bool   `json:"build_only"`
		Alias         bool   `json:"alias"`
		RedirectTo    string `json:"redirect_to"`
		WebSocket     bool   `json:"websocket"`
		StrictSlashes *bool  `json:"strict_slashes"`
		MergeSlashes  *bool  `json:"merge_slashes"`
	}
	Bind struct {
		ServerName    string  `json:"server_name"`
		ScriptName    *string `json:"script_name"`
		Subdomain     *string `json:"subdomain"`
		URLScheme     *string `json:"url_scheme"`
		DefaultMethod string  `json:"default_method"`
		PathInfo      *string `json:"path_info"`
		QueryArgs     query   `json:"query_args"`
	}
}

// typed is a value with the name of its Python type.
type typed struct{ value any }

func (t *typed) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if text[0] == '[' {
		var list []typed
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		values := make([]any, len(list))
		for i := range list {
			values[i] = list[i].value
		}
		t.value = values
		return nil
	}
	var pair struct {
		T string
		V any
	}
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	plain := fmt.Sprint(pair.V)
	var err error
	switch pair.T {
	case "int":
		t.value, err = strconv.Atoi(plain)
	case "float":
		t.value, err = strconv.ParseFloat(plain, 64)
	case "uuid":
		t.value, err = uuid.Parse(plain)
	case "bool":
		t.value = pythonBool(strings.EqualFold(plain, "true"))
	default:
		t.value = plain
	}
	return err
}

// pythonBool is a bool with Python's spelling.
type pythonBool bool

func (b pythonBool) String() string {
	if b {
		return "True"
	}
	return "False"
}

// query is a query as text or as a mapping.
type query string

func (q *query) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, (*string)(q))
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	encoded := url.Values{}
	for name, value := range values {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			if v != nil {
				encoded.Add(name, fmt.Sprint(v))
			}
		}
	}
	*q = query(encoded.Encode())
	return nil
}

func setting(b *bool) routing.Switch {
	switch {
	case b == nil:
		return 0
	case *b:
		return routing.On
	}
	return routing.Off
}

func isFalse(b *bool) bool { return b != nil && !*b }

// urls makes the Map.
func (in routes) urls() (*routing.Map[int], error) {
	options := routing.Options{
		StrictSlashes:    setting(in.Map.StrictSlashes),
		MergeSlashes:     setting(in.Map.MergeSlashes),
		KeepDefaults:     isFalse(in.Map.RedirectDefaults),
		DefaultSubdomain: in.Map.DefaultSubdomain,
		HostMatching:     in.Map.HostMatching,
		SortParameters:   in.Map.SortParameters,
		LooseBuild:       true,
	}
	var rules routing.Rules[int]
	for i, r := range in.Rules {
		rule := routing.Rule[int]{
			Path: r.Rule, Target: i, Host: r.Host, BuildOnly: r.BuildOnly, Alias: r.Alias,
			RedirectTo: r.RedirectTo, WebSocket: r.WebSocket,
			StrictSlashes: setting(r.StrictSlashes), MergeSlashes: setting(r.MergeSlashes),
		}
		if r.Endpoint != nil {
			rule.Endpoint = fmt.Sprint(r.Endpoint)
		}
		if !in.Map.HostMatching {
			rule.Host = ""
			if r.Subdomain != nil && !isFalse(in.Map.SubdomainMatching) {
				rule.Subdomain, rule.BareHost = *r.Subdomain, *r.Subdomain == ""
			}
		}
		for _, method := range r.Methods {
			rule.Methods = append(rule.Methods, strings.ToUpper(method))
		}
		if r.Defaults != nil {
			rule.Defaults = map[string]any{}
			for name, v := range r.Defaults {
				rule.Defaults[name] = v.value
			}
		}
		rules = append(rules, rule)
	}
	return routing.NewMapWith(options, rules)
}

// place holds the arguments of Map.bind.
func (in routes) place() routing.Base {
	place := routing.Base{Scheme: "http", Host: in.Bind.ServerName, Method: in.Bind.DefaultMethod, Path: "/", Query: string(in.Bind.QueryArgs)}
	if in.Bind.URLScheme != nil {
		place.Scheme = *in.Bind.URLScheme
	}
	if in.Bind.ScriptName != nil {
		place.RootPath = *in.Bind.ScriptName
	}
	if s := in.Bind.Subdomain; s != nil && !isFalse(in.Map.SubdomainMatching) {
		place.Subdomain, place.BareHost = *s, *s == ""
	}
	if in.Bind.PathInfo != nil {
		place.Path = *in.Bind.PathInfo
	}
	return place
}

func matchRoutes(in struct {
	routes
	Match []struct {
		Path      *string
		Method    *string
		WebSocket *bool `json:"websocket"`
		Query     *query
	}
}) any {
	urls, err := in.urls()
	if err != nil {
		return err.Error()
	}
	var found []any
	for _, asked := range in.Match {
		place := in.place()
		if asked.Path != nil {
			place.Path = *asked.Path
		}
		if asked.Method != nil && *asked.Method != "" {
			place.Method = *asked.Method
		}
		if asked.Query != nil {
			place.Query = string(*asked.Query)
		}
		if asked.WebSocket != nil {
			place.WebSocket = setting(asked.WebSocket)
		}
		adapter, err := urls.BindBase(place)
		if err != nil {
			return err.Error()
		}
		match, err := adapter.Match()
		found = append(found, matched(in.routes, match, err))
	}
	return found
}

// matched describes a match, or the error that came instead.
func matched(in routes, match routing.Match[int], err error) any {
	type object = map[string]any
	var redirect *routing.RedirectError
	var refused *routing.MethodNotAllowedError
	switch {
	case err == nil:
		values := object{}
		for name, value := range match.Params.All() {
			values[name] = describe(value)
		}
		return object{"endpoint": in.Rules[match.Target].Endpoint, "rule": match.Rule().Path, "values": values}
	case errors.As(err, &redirect):
		return object{"redirect": redirect.URL(), "code": redirect.Code}
	case errors.As(err, &refused):
		return object{"error": 405, "allow": refused.Allow}
	case errors.Is(err, routing.ErrWebSocketMismatch):
		return object{"error": "websocket mismatch"}
	case errors.Is(err, httperror.NotFound):
		return object{"error": 404}
	}
	return object{"error": err.Error()}
}

// describe is the opposite of typed.
func describe(value any) map[string]any {
	switch v := value.(type) {
	case int:
		return map[string]any{"t": "int", "v": strconv.Itoa(v)}
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return map[string]any{"t": "float", "v": text}
	case uuid.UUID:
		return map[string]any{"t": "uuid", "v": v.String()}
	case pythonBool:
		return map[string]any{"t": "bool", "v": v.String()}
	}
	return map[string]any{"t": "string", "v": value}
}

// buildRoutes answers routing.build. The values of a case are a JSON object,
// which has no order, so the order of different names in a query is not
// compared unless the map sorts it.
func buildRoutes(in, want json.RawMessage) error {
	var input struct {
		routes
		Build []struct {
			Endpoint      any
			Values        map[string]typed
			Method        *string
			ForceExternal bool    `json:"force_external"`
			AppendUnknown *bool   `json:"append_unknown"`
			URLScheme     *string `json:"url_scheme"`
		}
	}
	if err := json.Unmarshal(in, &input); err != nil {
		return err
	}
	urls, err := input.urls()
	if err != nil {
		return err
	}
	adapter, err := urls.BindBase(input.place())
	if err != nil {
		return err
	}
	type answer struct {
		URL   string `json:"url,omitempty"`
		Error string `json:"error,omitempty"`
	}
	var built []answer
	for _, asked := range input.Build {
		options := routing.BuildOptions{External: asked.ForceExternal, DropUnknown: isFalse(asked.AppendUnknown)}
		if asked.Method != nil {
			options.Method = *asked.Method
		}
		if asked.URLScheme != nil {
			options.Scheme, options.NoScheme = *asked.URLScheme, *asked.URLScheme == ""
		}
		var values []routing.Value
		for name, v := range asked.Values {
			values = append(values, routing.With(name, v.value))
		}
		slices.SortFunc(values, func(a, b routing.Value) int { return strings.Compare(a.Name(), b.Name()) })
		text, err := adapter.BuildWith(options, fmt.Sprint(asked.Endpoint), values...)
		if err != nil {
			built = append(built, answer{Error: "build"})
			continue
		}
		built = append(built, answer{URL: text})
	}
	if !input.Map.SortParameters {
		var wanted []answer
		if err := json.Unmarshal(want, &wanted); err != nil {
			return err
		}
		for _, list := range [][]answer{built, wanted} {
			for i := range list {
				list[i].URL = sortedQuery(list[i].URL)
			}
		}
		if want, err = json.Marshal(wanted); err != nil {
			return err
		}
	}
	return same(built, want)
}

// sortedQuery sorts the query of a URL by name.
func sortedQuery(text string) string {
	path, query, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	pairs := strings.Split(query, "&")
	slices.SortStableFunc(pairs, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
	return path + "?" + strings.Join(pairs, "&")
}
