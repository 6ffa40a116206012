package reload

import (
	"log/slog"
	"testing"

	"github.com/zeugkit/zeug/internal/limits/limitstest"
)

func TestConfigIsDefinedAtItsExtremes(t *testing.T) {
	limitstest.Check(t, Config{}, func(_ *testing.T, c Config) (int, error) {
		newWatcher(&scope{}, c.Poll, slog.New(slog.DiscardHandler)).close()
		return 200, nil
	})
}
