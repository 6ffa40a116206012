package conformance_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

// Operations about Cache-Control, Content-Security-Policy and authentication.

func seconds(d *time.Duration) any {
	if d == nil {
		return nil
	}
	return int64(*d / time.Second)
}

// textOrTrue is the value of a directive that may have no value.
func textOrTrue(on bool, fields datastructures.HeaderSet) any {
	if on && fields == nil {
		return true
	}
	return orNull(fields.String(), on)
}

func requestCacheControl(header string) any {
	c := datastructures.ParseRequestCacheControl(header)
	maxStale := seconds(c.MaxStale)
	if c.MaxStale != nil && *c.MaxStale < 0 {
		maxStale = true
	}
	return map[string]any{
		"max-age":        seconds(c.MaxAge),
		"max-stale":      maxStale,
		"min-fresh":      seconds(c.MinFresh),
		"no-cache":       c.NoCache,
		"no-store":       c.NoStore,
		"no-transform":   c.NoTransform,
		"only-if-cached": c.OnlyIfCached,
	}
}

func responseCacheControl(header string) any {
	c := datastructures.ParseResponseCacheControl(header)
	return map[string]any{
		"immutable":              c.Immutable,
		"max-age":                seconds(c.MaxAge),
		"must-revalidate":        c.MustRevalidate,
		"must-understand":        c.MustUnderstand,
		"no-cache":               textOrTrue(c.NoCache, c.NoCacheFields),
		"no-store":               c.NoStore,
		"no-transform":           c.NoTransform,
		"private":                textOrTrue(c.Private, c.PrivateFields),
		"proxy-revalidate":       c.ProxyRevalidate,
		"public":                 c.Public,
		"s-maxage":               seconds(c.SMaxAge),
		"stale-if-error":         seconds(c.StaleIfError),
		"stale-while-revalidate": seconds(c.StaleWhileRevalidate),
	}
}

func parseCSP(in headerInput) any {
	m := map[string]string{}
	for directive, value := range datastructures.ParseContentSecurityPolicy(in.Header).All() {
		m[directive] = value
	}
	return m
}

func parseAuthorization(in headerInput) any {
	a, ok := datastructures.ParseAuthorization(in.Header)
	if !ok {
		return nil
	}
	if a.Scheme == "basic" {
		return map[string]any{"type": a.Scheme, "token": nil,
			"parameters": map[string]string{"username": a.Username, "password": a.Password}}
	}
	return credentials(a.Scheme, a.Token, a.Params)
}

func parseChallenge(in headerInput) any {
	challenges := datastructures.ParseWWWAuthenticate(in.Header)
	if len(challenges) == 0 {
		return nil
	}
	return credentials(challenges[0].Scheme, challenges[0].Token, challenges[0].Params)
}

func credentials(scheme, token string, params datastructures.Params) any {
	return map[string]any{"type": scheme, "token": orNull(token, len(dict(params)) == 0), "parameters": dict(params)}
}

// dumpChallenge compares the parameters as a set, because those of the vectors have no order.
func dumpChallenge(in, want json.RawMessage) error {
	var input struct {
		Type       string
		Parameters json.RawMessage
		Token      *string
	}
	if err := json.Unmarshal(in, &input); err != nil {
		return err
	}
	w := datastructures.NewChallenge(input.Type)
	if input.Token != nil {
		w.Token = *input.Token
	}
	if len(input.Parameters) > 0 && string(input.Parameters) != "null" {
		params, err := parameters(input.Parameters)
		if err != nil {
			return err
		}
		for _, p := range params {
			if p.value == nil {
				w.SetBare(p.name)
			} else {
				w.Set(p.name, *p.value)
			}
		}
	}
	var text string
	if err := json.Unmarshal(want, &text); err != nil {
		return err
	}
	sorted, err := json.Marshal(sortParameters(text))
	if err != nil {
		return err
	}
	return same(sortParameters(w.String()), sorted)
}

func sortParameters(challenge string) string {
	scheme, rest, spaced := strings.Cut(challenge, " ")
	if !spaced {
		return scheme
	}
	params := strings.Split(rest, ", ")
	slices.Sort(params)
	return scheme + " " + strings.Join(params, ", ")
}

var _ = register(map[string]operation{
	"cache_control.request.parse":  answers(func(in headerInput) any { return requestCacheControl(in.Header) }),
	"cache_control.response.parse": answers(func(in headerInput) any { return responseCacheControl(in.Header) }),
	"cache_control.request.dump": answers(func(in headerInput) any {
		return datastructures.ParseRequestCacheControl(in.Header).String()
	}),
	"cache_control.response.dump": answers(func(in headerInput) any {
		return datastructures.ParseResponseCacheControl(in.Header).String()
	}),
	"csp.parse":              answers(parseCSP),
	"csp.dump":               answers(func(in headerInput) any { return datastructures.ParseContentSecurityPolicy(in.Header).String() }),
	"authorization.parse":    answers(parseAuthorization),
	"www_authenticate.parse": answers(parseChallenge),
	"www_authenticate.dump":  dumpChallenge,
})
