package routing_test

import (
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

// TestGuide checks that the code of docs/routing.md is the code of the
// examples.
func TestGuide(t *testing.T) {
	guide.Holds(t, "../docs/routing.md", nil, "example_test.go", "example_guide_test.go")
}
