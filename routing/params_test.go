package routing_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/routing"
)

func TestParamsThatTheRuleDoesNotHave(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/misused/<int:id>/<name>", Defaults: map[string]any{"lang": "de"}},
		routing.Rule[int]{Path: "/if/<name>", Condition: withHeader("Host", "")},
		routing.Rule[int]{Path: "/none"},
	)
	params := func(path string) *routing.Params {
		match, err := urls.Bind(httptest.NewRequest("GET", path, nil)).Match()
		require.NoError(t, err)
		return &match.Params
	}
	reads := map[string]func(p *routing.Params){
		`has no param "idd": it has id, lang, name`: func(p *routing.Params) { p.Int("idd") },
		`has no param "nam": it has id, lang, name`: func(p *routing.Params) { p.String("nam") },
		`has no param "ratio": it has`:              func(p *routing.Params) { p.Float("ratio") },
		`"name" of rule "/misused/<int:id>/<name>"`: func(p *routing.Params) { p.Int("name") },
		`write <uuid:lang> in the rule`:             func(p *routing.Params) { p.UUID("lang") },
	}
	t.Run("an error in development", func(t *testing.T) {
		defer development.Set(true)()
		for says, read := range reads {
			var err error
			func() {
				defer func() { err, _ = recover().(error) }()
				read(params("/misused/7/x"))
			}()
			require.ErrorContains(t, err, says)
			require.ErrorContains(t, err, "params_test.go:")
		}
		require.Panics(t, func() { params("/none").Int("id") })
		require.NotPanics(t, func() {
			params("/if/x").String("found by the condition")
			params("/misused/7/x").Get("idd")
			new(routing.Params).Int("id")
		})
	})
	t.Run("printed as a map", func(t *testing.T) {
		require.Equal(t, "map[id:7 lang:de name:x] map[]", fmt.Sprint(*params("/misused/7/x"), routing.Params{}))
		require.Equal(t, `map[string]interface {}{"name":"x"}`, fmt.Sprintf("%#v", *params("/if/x")))
	})
	t.Run("logged once in production", func(t *testing.T) {
		defer development.Set(false)()
		var log bytes.Buffer
		was := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		defer slog.SetDefault(was)
		for range 3 {
			require.Zero(t, params("/misused/7/x").Int("logged once"))
		}
		require.Equal(t, 1, strings.Count(log.String(), "logged once"), log.String())
	})
	t.Run("logged by the logger of the options", func(t *testing.T) {
		defer development.Set(false)()
		var log bytes.Buffer
		urls := routing.MustMapWith(routing.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, routing.Rule[int]{Path: "/a/<id>"})
		match, err := urls.Bind(httptest.NewRequest("GET", "/a/1", nil)).Match()
		require.NoError(t, err)
		require.Zero(t, match.Params.Int("missing"))
		require.Contains(t, log.String(), "missing")
	})
}
