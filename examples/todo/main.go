// Todo is a JSON API of things to do: five routes, validation, CORS.
//
//	go run ./examples/todo
//	curl -i 127.0.0.1:5000/todos/ --json '{"title": "write a test"}'
package main

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
)

const frontend = "https://app.example.org"

type todo struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
}

// Validate is called by zeug.Bind.
func (t *todo) Validate() error {
	var v zeug.Validation
	v.Check(t.Title != "", "title", "must not be empty")
	v.Check(len(t.Title) <= 200, "title", "must have at most 200 bytes")
	return v.Err()
}

type api struct {
	mu    sync.Mutex
	last  int
	todos map[int]todo
}

func main() { serving.Main("127.0.0.1:5000", newApp()) }

func newApp() *zeug.App {
	a := &api{todos: map[int]todo{}}
	return zeug.New(
		zeug.JSONErrors(), zeug.TrustOrigins(frontend),
		zeug.Use(middleware.CORS{Origins: []string{frontend}, Methods: []string{"PUT", "DELETE"}}.Wrap),
		zeug.Group("/todos",
			zeug.Get("/", a.list), zeug.Post("/", a.create),
			zeug.Get("/<int:id>", a.show), zeug.Put("/<int:id>", a.update), zeug.Delete("/<int:id>", a.remove),
		),
	)
}

func (a *api) list(*zeug.Request) (*zeug.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	byID := func(x, y todo) int { return cmp.Compare(x.ID, y.ID) }
	return zeug.JSON(append([]todo{}, slices.SortedFunc(maps.Values(a.todos), byID)...))
}

func (a *api) create(req *zeug.Request) (*zeug.Response, error) {
	t, err := zeug.Bind[todo](req)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	t.ID = a.last
	a.todos[t.ID] = t
	return zeug.Created(req.URL("show", "id", t.ID), t)
}

func (a *api) show(req *zeug.Request) (*zeug.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.todos[req.Params.Int("id")]
	if !ok {
		return nil, httperror.NotFound
	}
	return zeug.JSON(t)
}

func (a *api) update(req *zeug.Request) (*zeug.Response, error) {
	t, err := zeug.Bind[todo](req)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.ID = req.Params.Int("id")
	if _, ok := a.todos[t.ID]; !ok {
		return nil, httperror.NotFound
	}
	a.todos[t.ID] = t
	return zeug.JSON(t)
}

func (a *api) remove(req *zeug.Request) (*zeug.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.todos[req.Params.Int("id")]; !ok {
		return nil, httperror.NotFound
	}
	delete(a.todos, req.Params.Int("id"))
	return zeug.NoContent(), nil
}
