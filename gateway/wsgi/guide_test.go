package wsgi_test

import (
	"testing"

	"github.com/zeugkit/zeug/internal/guide"
)

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	guide.Holds(t, "../../docs/python.md", nil, "example_test.go", "../../examples/moving/shop.go")
}
