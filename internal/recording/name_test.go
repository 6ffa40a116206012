package recording_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/recording"
)

type gate struct{}

func (gate) Wrap(h http.Handler) http.Handler { return h }

func (*gate) view() {}

func plain[T any]() {}

func TestFunctionsHaveShortNames(t *testing.T) {
	for want, function := range map[string]any{
		"recording_test.gate":                              gate{}.Wrap,
		"recording_test.gate.view":                         (&gate{}).view,
		"recording_test.plain":                             plain[int],
		"http.NotFound":                                    http.NotFound,
		"recording_test.TestFunctionsHaveShortNames.func1": func() {},
		"": nil,
	} {
		require.Equal(t, want, recording.NameOf(function))
	}
	require.Empty(t, recording.NameOf((func())(nil)))
	require.Empty(t, recording.NameOf(7))
}
