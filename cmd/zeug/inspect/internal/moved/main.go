// Command moved has variables that lead to its stack, and that no later line uses. Then its stack grows, so
// that the runtime moves it, and corrects only the pointers that are still used. It writes a core of itself.
package main

import (
	"fmt"
	"os"

	"github.com/zeugkit/zeug/internal/corefile"
)

type point struct{ x, y int }

func (p *point) sum() int { return p.x + p.y }

func main() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		frame(1)
	}()
	<-done
}

func frame(one int) {
	numbers := [4]int{one, 2, 3, 4}
	where := point{5, 6}
	heap := new(point)
	heap.x = 7
	list, pointer, text := numbers[1:], &where, stringOf(&[3]byte{'a', 'b', 'c'})
	if sum(list, pointer) != 20 || text != "abc" {
		panic("not as expected")
	}
	deep(1000)
	numbers[2], where.x = 42, 43
	_, goroutine, err := corefile.Write(os.Args[1], 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(goroutine, sum(numbers[:], &where), where.sum(), heap.x)
}

func stringOf(b *[3]byte) string { return string(b[:]) }

func sum(list []int, p *point) (n int) {
	for _, v := range list {
		n += v
	}
	return n + p.x + p.y
}

// deep needs some MB of stack.
func deep(n int) int {
	var room [512]int
	room[n%len(room)] = n
	if n == 0 {
		return room[0]
	}
	return deep(n-1) + room[n%len(room)]
}
