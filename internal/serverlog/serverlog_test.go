package serverlog

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALineIsRepeatedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := slog.New(slog.NewTextHandler(&out, nil))
		var s Seldom
		for range 100 {
			s.Warn(l, "refused", "peer", "a")
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, strings.Count(out.String(), "msg=refused peer=a"))
		require.Equal(t, 1, strings.Count(out.String(), "more=59"))
	})
}

func TestTheLoggerOfTheContext(t *testing.T) {
	l := slog.New(slog.DiscardHandler)
	require.Same(t, l, From(With(t.Context(), l)))
	require.Same(t, slog.Default(), From(t.Context()))
	var none context.Context // the ClientHelloInfo of a test has no context
	require.Same(t, slog.Default(), From(none))
}
