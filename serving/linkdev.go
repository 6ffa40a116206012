//go:build zeug_link_dev

package serving

// This file is not part of any build. But "go mod tidy" and "go mod vendor" read files with any build
// tags, so they keep what serving/dev needs in the go.mod, go.sum and vendor folder of a program.
// Then nothing is missing when "zeug run" adds the same import to the program.
import _ "github.com/zeugkit/zeug/serving/dev"
