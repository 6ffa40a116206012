// Package views has a view of the program.
package views

import (
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// Author greets an author.
func Author(_ *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	return wrappers.Text("By " + params.String("author")), nil
}
