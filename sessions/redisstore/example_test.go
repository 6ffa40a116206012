//go:build unix

package redisstore_test

import (
	"fmt"
	"net/http"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/sessions/redisstore"
)

func Example() {
	server, err := miniredis.Run() // in place of a Redis that runs already
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	addr := server.Addr()

	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{addr},
		ContextTimeoutEnabled: true,
	})
	defer client.Close()
	store, err := redisstore.New(client, redisstore.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	manager := sessions.Manager{Store: store}

	handler := manager.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := sessions.Get(r)
		session.Set("visits", session.Int("visits")+1)
		fmt.Fprintf(w, "visit %d", session.Int("visits"))
	}))
	_, cookie := visit(handler, "/", "")
	w, _ := visit(handler, "/", cookie)
	fmt.Println(w.Body)
	// Output: visit 2
}
