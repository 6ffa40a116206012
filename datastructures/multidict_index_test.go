package datastructures_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

// model does what a MultiDict does, in the plainest way.
type model [][2]string

func (m model) list(key string) (list []string) {
	for _, item := range m {
		if item[0] == key {
			list = append(list, item[1])
		}
	}
	return list
}

func (m model) set(key string, values []string) (changed model) {
	for _, item := range m {
		if item[0] == key {
			if len(values) == 0 {
				continue
			}
			item[1], values = values[0], values[1:]
		}
		changed = append(changed, item)
	}
	for _, value := range values {
		changed = append(changed, [2]string{key, value})
	}
	return changed
}

func (m model) pairs() (pairs []string) {
	for _, item := range m {
		pairs = append(pairs, item[0], item[1])
	}
	return pairs
}

// Whatever is added, removed and read in a large dictionary, the results are those of a list of
// items, before and after it notes the positions of its keys.
func TestALargeMultiDictIsAListOfItems(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		d, m := new(datastructures.Values), model(nil)
		for i := range 150 {
			key := "k" + strconv.Itoa(random.IntN(90))
			d.Add(key, strconv.Itoa(i))
			m = append(m, [2]string{key, strconv.Itoa(i)})
		}
		for step := range 300 {
			key, value := "k"+strconv.Itoa(random.IntN(100)), fmt.Sprint("v", step)
			switch random.IntN(24) {
			case 0:
				d.Del(key)
				m = m.set(key, nil)
			case 1, 2:
				d.Set(key, value)
				m = m.set(key, []string{value})
			case 3:
				values := []string{value, "b", "c"}[:1+random.IntN(3)]
				d.SetList(key, values...)
				m = m.set(key, values)
			case 4, 5:
				d.Add(key, value)
				m = append(m, [2]string{key, value})
			case 6:
				d.Del(key)
				m = m.set(key, nil)
			case 7:
				d = d.Clone()
			default:
				want := m.list(key)
				require.Equal(t, want, d.List(key))
				require.Equal(t, len(want) > 0, d.Has(key))
				got, ok := d.Lookup(key)
				require.Equal(t, len(want) > 0, ok)
				if ok {
					require.Equal(t, want[0], got)
				}
			}
			require.Equal(t, len(m), d.Len())
		}
		require.Equal(t, values(m.pairs()...).Encode(), d.Encode())
	}
}

func TestALargeMultiDictIsReadByManyAtOnce(t *testing.T) {
	d := datastructures.ParseQuery(fields(500))
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := range 500 {
				if got := d.Get("k" + strconv.Itoa(i)); got != strconv.Itoa(i) {
					t.Errorf("k%d is %q", i, got)
				}
			}
		})
	}
	readers.Wait()
}

// Reading all of 100,000 fields takes a step for each. By walking it would take 5,000,000,000
// steps.
func TestAllFieldsOfALargeFormAreRead(t *testing.T) {
	const n = 100_000
	d := datastructures.ParseQuery(fields(n))
	for i := range n {
		if got := d.Get("k" + strconv.Itoa(i)); got != strconv.Itoa(i) {
			t.Fatalf("k%d is %q", i, got)
		}
	}
}

func fields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&k%d=%d", i, i)
	}
	return b.String()[1:]
}

func BenchmarkAllFields(b *testing.B) {
	for _, n := range []int{4, 64, 100, 1000, 10_000} { // beyond these net/url refuses the query
		query := fields(n)
		keys := make([]string, n)
		for i := range keys {
			keys[i] = "k" + strconv.Itoa(i)
		}
		keys = slices.Clip(keys)
		b.Run(fmt.Sprint(n, "/MultiDict"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := datastructures.ParseQuery(query)
				for _, key := range keys {
					if d.Get(key) == "" {
						b.Fatal(key)
					}
				}
			}
		})
		b.Run(fmt.Sprint(n, "/url.Values"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, _ := url.ParseQuery(query)
				for _, key := range keys {
					if v.Get(key) == "" {
						b.Fatal(key)
					}
				}
			}
		})
	}
}
