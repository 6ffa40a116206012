package routing_test
import ("testing";"fmt";"github.com/zeugkit/zeug/routing")
func BenchmarkConstruct(b *testing.B){
	rules := make(routing.Rules[int], 10000)
	for i := range rules { rules[i] = routing.Rule[int]{Path: fmt.Sprintf("/section%d/<int:id>/page%d", i, i%7), Endpoint: fmt.Sprint("e",i), Methods: []string{"GET"}} }
	b.ReportAllocs()
	for b.Loop() { routing.MustMap(rules) }
}
