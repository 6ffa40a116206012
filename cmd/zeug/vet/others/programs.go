package main

// program is a web application of others.
type program struct {
	name, module, version string
	packages              []string
	// rules says that testdata has a program of ours under the name, with rules of Zeug for the handlers of the
	// application.
	rules bool
	want  []expected
	// mistakes are made in the program of ours, one at a time.
	mistakes []mistake
}

// expected is a mistake of the application, as vet reports it.
type expected struct {
	finding string // path of the file in its module, and the message
	reason  string // why it is one
}

// mistake is a change of our program, and the findings for it.
type mistake struct {
	old, changed string
	want         []string
}

var programs = []program{
	{name: "miniflux", module: "miniflux.app/v2", version: "v2.3.5", packages: []string{"miniflux.app/v2/..."}},
	{name: "mailpit", module: "github.com/axllent/mailpit", version: "v1.33.1", packages: []string{"github.com/axllent/mailpit/..."}},
	{name: "inbucket", module: "github.com/inbucket/inbucket/v3", version: "v3.2.0", packages: []string{"github.com/inbucket/inbucket/v3/..."}},
	{name: "oauth2-proxy", module: "github.com/oauth2-proxy/oauth2-proxy/v7", version: "v7.15.6", packages: []string{"github.com/oauth2-proxy/oauth2-proxy/v7/..."}},
	{name: "pkgsite", module: "golang.org/x/pkgsite", version: "v0.6.0", packages: []string{"golang.org/x/pkgsite/cmd/pkgsite", "golang.org/x/pkgsite/internal/frontend/..."}},
	{
		name: "mailpit", module: "github.com/axllent/mailpit", version: "v1.33.1", rules: true,
		packages: []string{".", "github.com/axllent/mailpit/..."},
		mistakes: []mistake{
			{`"/message/<id>"`, `"/message/<ident>"`, []string{
				`server/apiv1/message.go: rule "/api/v1/message/<ident>" has no variable "id": it has ident`,
				`server/apiv1/message.go: rule "/api/v1/message/<ident>/headers" has no variable "id": it has ident`,
				`server/apiv1/message.go: rule "/api/v1/message/<ident>/part/<partID>" has no variable "id": it has ident, partID`,
				`server/apiv1/message.go: rule "/api/v1/message/<ident>/raw" has no variable "id": it has ident`,
				`server/apiv1/thumbnails.go: rule "/api/v1/message/<ident>/part/<partID>/thumb" has no variable "id": it has ident, partID`,
				`main.go: no URL for endpoint "message.show" with values id: values are missing: ident`,
				`main.go: no URL for endpoint "message.part" with values id, partID: values are missing: ident`,
			}},
			{`"partID", "1"`, `"partId", "1"`, []string{
				`main.go: no URL for endpoint "message.part" with values id, partId: values are missing: partID: "partId" is not a variable of the rule: did you mean "partID"?`,
			}},
			{`/part/<partID>/thumb`, `/part/<partID/thumb`, []string{
				`main.go: rule "/api/v1/message/<id>/part/<partID/thumb": the variable "partID" is not closed by '>'`,
			}},
		},
	},
	{
		name: "inbucket", module: "github.com/inbucket/inbucket/v3", version: "v3.2.0", rules: true,
		packages: []string{".", "github.com/inbucket/inbucket/v3/..."},
		mistakes: []mistake{
			{`"mailbox.attachment"`, `"mailbox.atachment"`, []string{
				`main.go: no URL for endpoint "mailbox.atachment" with values file, id, name, num: did you mean "mailbox.attachment"?`,
			}},
			{`routing.With("num", 0)`, `routing.With("num", "first")`, []string{
				`main.go: no URL for endpoint "mailbox.attachment": the value of "num": "first" is not an integer`,
			}},
		},
	},
}
