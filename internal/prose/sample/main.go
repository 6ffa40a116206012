// Command sample prints sentences of the repository's Go comments. It draws them at random, for a
// reader who did not write them:
//
//	go run ./internal/prose/sample -seed 7 -n 100
//
// The same seed draws the same sentences as long as the comments do not change. Mark each one that
// you had to read twice.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"strings"

	"github.com/zeugkit/zeug/internal/prose"
)

func main() {
	seed := flag.Uint64("seed", 1, "the seed")
	n := flag.Int("n", 100, "how many sentences")
	root := flag.String("root", ".", "the folder of the repository")
	under := flag.String("under", "", "only files whose path begins with it")
	flag.Parse()
	var all []string
	err := prose.Files(*root, func(name string, _ []byte, sentences []prose.Sentence) {
		for _, s := range sentences {
			if s.Kind == prose.Comment && len(strings.Fields(s.Text)) >= 4 && strings.HasPrefix(name, *under) {
				all = append(all, fmt.Sprintf("%s:%d\n   %s", name, s.Line, s.Text))
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	source := rand.New(rand.NewPCG(*seed, 0))
	for i, k := range source.Perm(len(all)) {
		if i == *n {
			break
		}
		fmt.Printf("%3d %s\n", i+1, all[k])
	}
}
