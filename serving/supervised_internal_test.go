package serving

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/devtools"
	_ "github.com/zeugkit/zeug/serving/dev"
)

func TestZeugRunSwitchesTheDebuggerOn(t *testing.T) {
	for name, c := range map[string]struct {
		options     Options
		environment string
		want        bool
	}{
		"a program without options":      {Options{}, "", true},
		"a program that reloads itself":  {Options{Reload: true}, "", false},
		"a program that asks for it":     {Options{Reload: true, Debug: true}, "", true},
		"a program for another debugger": {Options{PassPanics: true}, "", false},
		"an environment of production":   {Options{}, "production", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GO_ENV", c.environment)
			require.Equal(t, c.want, c.options.debugSupervised())
		})
	}
}

// A program without serving/dev has no tools to switch on.
func TestToolsOfDevelopmentHaveToBeImported(t *testing.T) {
	tools := devtools.Linked()
	devtools.Register(nil)
	defer devtools.Register(tools)
	const hint = ` needs a tool of development, and this program links none of them: add import _ "github.com/zeugkit/zeug/serving/dev"`
	for name, c := range map[string]struct {
		options Options
		err     string
	}{
		"nothing is asked for": {Options{}, ""},
		"the debugger":         {Options{Debug: true}, "serving: Options.Debug" + hint},
		"the reloader":         {Options{Reload: true}, "serving: Options.Reload" + hint},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.options.complete()
			if c.options.Reload {
				err = runSupervisor([]string{""}, c.options)
				require.Equal(t, 78, ExitCode(err))
			}
			if c.err == "" {
				require.NoError(t, err)
				require.False(t, c.options.debugSupervised())
				return
			}
			require.ErrorContains(t, err, c.err)
			require.ErrorContains(t, err, `"zeug run"`)
		})
	}
}
