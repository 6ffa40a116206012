package inspect

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Question is what a [Client] asks of a core.
type Question struct {
	// Ask names the method of [Core]: "frames", "variables", "eval", "expand",
	// "copy", "globals" or "complete".
	Ask string `json:"ask"`
	Place
	Expr string `json:"expr,omitempty"`
	From int    `json:"from,omitempty"`
}

// answer is the response to a Question.
type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// Answer asks a core.
func (c *Core) Answer(q Question) (any, error) {
	switch q.Ask {
	case "frames":
		return c.Frames(q.Goroutine)
	case "variables":
		return c.Variables(q.Place)
	case "eval":
		return c.Eval(q.Place, q.Expr)
	case "expand":
		return c.Expand(q.Place, q.Expr, q.From)
	case "copy":
		return c.Copy(q.Place, q.Expr)
	case "globals":
		return c.Globals(q.Place, q.From)
	case "complete":
		return c.Complete(q.Place, q.Expr)
	}
	return nil, fmt.Errorf("there is no question %q", q.Ask)
}

// Serve opens the core of a program and answers questions, a line of JSON each, until the input
// ends. It runs in the other process of a [Client], and has no other caller: it limits the memory of
// its process, and ends the process at the end of the input.
func Serve(program, file string, in io.Reader, out io.Writer) error {
	limitMemory()
	questions := make(chan Question)
	go func() {
		lines := json.NewDecoder(bufio.NewReader(in))
		for {
			var q Question
			if lines.Decode(&q) != nil {
				os.Exit(0) // the caller is gone, so whatever is being read is not needed
			}
			questions <- q
		}
	}()
	core, err := Open(program, file)
	for q := range questions {
		var a answer
		if err == nil {
			var value any
			var problem error
			if value, problem = core.Answer(q); problem == nil {
				a.Value, problem = json.Marshal(value)
			}
			if problem != nil {
				a.Error = problem.Error()
			}
		} else {
			a.Error = err.Error()
		}
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
