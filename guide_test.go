package zeug_test

import (
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

func TestTheGuideShowsTheExamples(t *testing.T) {
	guide.Holds(t, "docs/application.md", nil, "example_guide_test.go", "example_test.go")
}
