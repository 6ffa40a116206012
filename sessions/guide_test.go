package sessions_test

import (
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	guide.Holds(t, "../docs/sessions.md", nil, "example_guide_test.go", "example_flask_test.go", "redisstore/example_test.go")
}
