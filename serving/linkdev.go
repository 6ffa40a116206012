//go:build zeug_link_dev

package serving

// This file is not part of any build. It makes "go mod tidy" and "go mod vendor", which read files
// with any build tags, keep what serving/dev needs in the go.mod, go.sum and vendor folder of a
// program. So nothing is missing when "zeug run" adds the same import to the program.
import _ "github.com/zeugkit/zeug/serving/dev"
