package middleware

import (
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// CrossOriginProtection refuses requests that a page of another origin makes a browser send
// (cross-site request forgery). It uses [http.CrossOriginProtection], which checks Sec-Fetch-Site
// or, if a browser does not send that, compares Origin with Host. GET, HEAD and OPTIONS pass, so
// they must not change anything. Clients that are not browsers pass too. No token is needed in
// forms.
//
// It uses the host that the client sent: put it inside [ProxyFix].
type CrossOriginProtection struct {
	// Pages of TrustedOrigins may send any request: "https://example.org", with
	// the port if it is not the default port of the scheme.
	TrustedOrigins []string
	// Bypass are patterns of [http.ServeMux] for requests that are not checked,
	// such as "POST /webhook/". Their paths are the paths below the mount.
	Bypass []string
}

// Wrap returns next with the protection; refused requests are answered with 403. It panics if an
// origin is not valid, or a pattern conflicts with another one.
func (p CrossOriginProtection) Wrap(next http.Handler) http.Handler {
	judge := http.NewCrossOriginProtection()
	for _, origin := range p.TrustedOrigins {
		if err := judge.AddTrustedOrigin(origin); err != nil {
			panic(fmt.Sprintf("middleware.CrossOriginProtection: trusted origin %q: %v", origin, err))
		}
	}
	for _, pattern := range p.Bypass {
		judge.AddInsecureBypassPattern(pattern)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions: // safe methods: Check would come to the same result, but costs more
			next.ServeHTTP(w, r)
			return
		}
		judged := r
		if host := gateway.OriginOf(r).Host; host != r.Host {
			copied := *r
			copied.Host = host
			judged = &copied
		}
		if err := judge.Check(judged); err != nil {
			httperror.Respond(w, r, &httperror.Error{
				Code:        httperror.Forbidden,
				Description: "This request was sent by a page of another site.",
				Err:         err,
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
