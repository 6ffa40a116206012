package middleware_test

import (
	"strings"
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	stable := strings.NewReplacer(`RequestID{New: func() string { return "7" }}`, "RequestID{}")
	guide.Holds(t, "../docs/middleware.md", stable, "example_guide_test.go")
}
