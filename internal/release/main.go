// Command release releases every module of this repository in one commit. It never pushes: it
// prints the commands that do.
//
//	make release VERSION=v0.1.0
//
// A released module requires the other modules of the repository at exactly the released
// version, and its go.sum has their hashes. Both are known before anything is pushed: the
// module in the top folder contains no go.mod of the nested modules, so its hash
// does not depend on them. The steps are:
//
//	check     the tree, the version, the tags, CI's stamp, the changelog  (check.go)
//	changelog the entries under "Unreleased" get the version as heading   (changelog.go)
//	pin       each nested module requires the version                     (pin.go)
//	tag       v0.1.0 first, then cmd/zeug/v0.1.0 and the like             (release.go)
//
// The commit is made in a separate work tree. The branch and the tags change only after everything
// has succeeded.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	repository := flag.String("repository", ".", "the `folder` of the repository")
	version := flag.String("version", "", "the version to release, such as v0.1.0")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tags, branch, err := Release(ctx, *repository, *version, time.Now())
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	fmt.Printf("%s is committed and tagged here. To publish it:\n\n    git push --atomic origin %s %s\n",
		*version, branch, strings.Join(tags, " "))
}
