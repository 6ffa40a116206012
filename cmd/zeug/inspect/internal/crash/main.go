// Command crash panics as a handler would, writes a core of itself meanwhile, and says where.
package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"runtime"

	"github.com/zeugkit/zeug/internal/corefile"
)

type item struct {
	Name  string
	Price int
}

type base struct{ ID int }

type user struct {
	base
	Name  string
	Tags  map[string]int
	Boss  *user
	hello func() string
}

//lint:ignore U1000 the debugger reads it
var served = 41

var errGone = errors.New("gone")

func main() {
	path := os.Args[1]
	defer func() {
		_ = recover()
		size, id, err := corefile.Write(path, 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		runtime.GC()
		fmt.Println(size, id)
	}()
	served++
	handle("/checkout?cart=7")
}

func handle(target string) {
	r := httptest.NewRequest("GET", target, nil)
	items := []item{{"pen", 2}, {"ink", 5}, {"paper", 11}}
	big := make([]int, 1000)
	for i := range big {
		big[i] = i * i
	}
	who := &user{base: base{7}, Name: "Ann", Tags: map[string]int{"vip": 1, "new": 2}}
	who.Boss = who
	who.hello = func() string { return who.Name }
	var anything interface{} = *who
	var nilp *user
	var nilmap map[string]int
	var nilslice []int
	x := 1
	{
		x := "inner"
		if os.Getenv("CRASH_TWICE") != "" {
			defer again("again")
		}
		total(items, func(i item) int { return i.Price * 2 }, r.URL.Path, x, anything)
	}
	fmt.Println(x, big, nilp, nilmap, nilslice)
}

// again panics while another panic is in progress.
func again(what string) string {
	return twice(what, 3, errGone)
}

func twice(what string, _ int, err error) string {
	panic(fmt.Errorf("%s: %w", what, err))
}

func total[T any](list []T, price func(T) int, path, note string, extra any) int {
	sum := 0
	for i := 0; i <= len(list); i++ {
		sum += price(list[i])
	}
	return sum
}
