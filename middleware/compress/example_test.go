package compress_test

import (
	"fmt"
	"strings"

	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

func ExampleCompress() {
	app := compress.Compress{}.Wrap(wrappers.Text(strings.Repeat("word ", 1000)))
	client := webtest.New(nil, app)
	for _, codings := range []string{"gzip, br", "gzip, br;q=0.5", "identity"} {
		answer := client.Get("/", webtest.Header("Accept-Encoding", codings))
		fmt.Printf("%q: below 100 bytes: %t %s\n", codings, len(answer.Text()) < 100, answer.Header.Get("Content-Encoding"))
	}
	// Output:
	// "gzip, br": below 100 bytes: true br
	// "gzip, br;q=0.5": below 100 bytes: true gzip
	// "identity": below 100 bytes: false
}
