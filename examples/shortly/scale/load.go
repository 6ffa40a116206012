//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// load requests links whose popularity follows Zipf's law: the second link is requested half as
// often as the first, the third a third as often.
//
// In a hundred requests one creates a link, one uses an id that does not exist, one looks at
// details, and the others follow links.
type load struct {
	base    string
	rate    int // requests a second
	clients []*http.Client

	mu      sync.Mutex
	links   []link            // in the order of their popularity
	targets map[string]string // the URL that each id leads to
	seen    []observation
	began   time.Time // set before run
}

type link struct{ id, target string }

// observation is what happened to a request.
type observation struct {
	at, took time.Duration // since the load began; until the response
	kind     string        // the kind of the request
	outcome  string        // "ok", or what went wrong
	id       string        // that was followed
	instance string        // that answered
}

// newLoad returns a load of clients that have an address of loopback each.
func newLoad(base string, rate, clients int) *load {
	l := &load{base: base, rate: rate, targets: map[string]string{}}
	for i := range clients {
		l.clients = append(l.clients, newClient(fmt.Sprintf("127.0.1.%d", i+1)))
	}
	return l
}

// newClient returns a client with an address, by which a rate limit tells clients apart.
func newClient(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 5 * time.Second}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64},
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// seed creates the first n links.
func (l *load) seed(ctx context.Context, n int) error {
	for i := range n {
		client := l.clients[i%len(l.clients)]
		if o := l.create(ctx, client, fmt.Sprintf("https://example.org/seed/%d", i)); o.outcome != "ok" {
			return fmt.Errorf("create link %d: %s", i, o.outcome)
		}
	}
	return nil
}

// run sends requests until ctx ends or most of them were sent. It returns when each request has an
// outcome.
func (l *load) run(ctx context.Context, most int) {
	turns := make(chan int, l.rate) // as many requests as a second sends may wait
	var all sync.WaitGroup
	for i := range 4 * len(l.clients) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for n := range turns {
				l.ask(l.clients[i%len(l.clients)], random, n)
			}
		})
	}
	defer all.Wait()
	defer close(turns)
	const beat = 10 * time.Millisecond
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for n := 0; n < most; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for due := int(time.Since(l.began).Seconds() * float64(l.rate)); n < due && n < most; n++ {
			select {
			case turns <- n:
			case <-ctx.Done():
				return
			}
		}
	}
}

// ask sends the n-th request. The context outlives the end of the load, so that every request has
// an outcome.
func (l *load) ask(client *http.Client, random *rand.Rand, n int) {
	ctx := context.Background()
	var o observation
	switch n % 100 {
	case 0:
		o = l.create(ctx, client, fmt.Sprintf("https://example.org/new/%d", n))
	case 33:
		o = l.get(ctx, client, "absent", fmt.Sprintf("none-%d", n), http.StatusNotFound)
	case 66:
		o = l.get(ctx, client, "details", l.pick(random)+"+", http.StatusOK)
	default:
		o = l.get(ctx, client, "follow", l.pick(random), http.StatusFound)
	}
	l.mu.Lock()
	l.seen = append(l.seen, o)
	l.mu.Unlock()
}

// pick returns the id of a link.
func (l *load) pick(random *rand.Rand) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	zipf := rand.NewZipf(random, 1.07, 1, uint64(len(l.links)-1))
	return l.links[zipf.Uint64()].id
}

// create submits a URL.
func (l *load) create(ctx context.Context, client *http.Client, target string) observation {
	o, resp := l.send(ctx, client, "create", http.MethodPost, "/", url.Values{"url": {target}}.Encode())
	if resp == nil {
		return o
	}
	location := resp.Header.Get("Location")
	id := strings.TrimSuffix(strings.TrimPrefix(location, "/"), "+")
	if resp.StatusCode != http.StatusSeeOther || id == "" {
		o.outcome = fmt.Sprint(resp.StatusCode)
		return o
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, ok := l.targets[id]; ok && other != target {
		o.outcome = "one id for two URLs"
	}
	l.targets[id] = target
	l.links = append(l.links, link{id, target})
	return o
}

// get requests a page of an id, and notes the target of a redirect.
func (l *load) get(ctx context.Context, client *http.Client, kind, id string, want int) observation {
	o, resp := l.send(ctx, client, kind, http.MethodGet, "/"+id, "")
	o.id = id
	switch {
	case resp == nil:
	case resp.StatusCode != want:
		o.outcome = fmt.Sprint(resp.StatusCode)
	case want == http.StatusFound:
		l.mu.Lock()
		if resp.Header.Get("Location") != l.targets[id] {
			o.outcome = "wrong redirect"
		}
		l.mu.Unlock()
	}
	return o
}

// send sends a request and reads the response to its end. Without a response the
// outcome says what happened.
func (l *load) send(ctx context.Context, client *http.Client, kind, method, path, form string) (observation, *http.Response) {
	began := time.Now()
	o := observation{at: began.Sub(l.began), kind: kind, outcome: "ok"}
	r, err := http.NewRequestWithContext(ctx, method, l.base+path, strings.NewReader(form))
	if err != nil {
		o.outcome = err.Error()
		return o, nil
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(r)
	o.took = time.Since(began)
	if err != nil {
		o.outcome = "no response"
		return o, nil
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		o.outcome = "cut response"
		return o, nil
	}
	o.instance = resp.Header.Get("X-Instance")
	return o, resp
}

// answered returns how many requests have an outcome.
func (l *load) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}
