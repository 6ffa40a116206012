package postmortem_test

import (
	"strings"
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	production := strings.NewReplacer(
		`filepath.Join(dir, "cores"), // for example /var/lib/shop/cores`, `"/var/lib/shop/cores",`,
		`, Logger: slog.New(slog.DiscardHandler)`, ``,
	)
	guide.Holds(t, "../../docs/debugger.md", production, "example_test.go")
}
