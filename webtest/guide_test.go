package webtest_test

import (
	"strings"
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

// TestGuide fails if docs/testing.md shows code that the examples do not have.
func TestGuide(t *testing.T) {
	// In a test, the client has a t.
	tests := strings.NewReplacer("webtest.New(nil, shop)", "webtest.New(t, shop)", "webtest.Live(nil, ", "webtest.Live(t, ", "(nil, shop, ", "(t, shop, ",
		" // in a test: webtest.New(t, shop)", "")
	guide.Holds(t, "../docs/testing.md", tests, "example_guide_test.go")
}
