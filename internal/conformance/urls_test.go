package conformance_test

import (
	"encoding/json"
	"net"
	"strings"

	"github.com/zeugkit/zeug/urls"
)

var _ = register(map[string]operation{
	"host.trusted": answers(func(in struct {
		Host    string
		Trusted []string
	}) any {
		return urls.HostTrusted(in.Host, in.Trusted)
	}),
	"host.get": answers(func(in struct {
		Scheme     string
		HostHeader *string `json:"host_header"`
		Server     []json.RawMessage
		Trusted    []string
	}) any {
		var header, server string
		if in.HostHeader != nil {
			// A header that is there but empty hides the server's own name.
			if header = *in.HostHeader; header == "" {
				return ""
			}
		} else if len(in.Server) == 2 && string(in.Server[1]) != "null" {
			var name string
			if err := json.Unmarshal(in.Server[0], &name); err != nil {
				return err.Error()
			}
			server = net.JoinHostPort(strings.Trim(name, "[]"), string(in.Server[1]))
		}
		return urls.Host(in.Scheme, header, server)
	}),
})

var _ = register(map[string]operation{
	"iri_to_uri": answers(func(in struct{ IRI string }) any { return urls.IRIToURI(in.IRI) }),
	"uri_to_iri": answers(func(in struct{ URI string }) any { return urls.URIToIRI(in.URI) }),
})
