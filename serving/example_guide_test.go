package serving_test

import (
	"context"
	"database/sql"
	"flag"
	"log"
	"net/http"
	"testing"

	"github.com/zeugkit/zeug/gateway/testapp"
	"github.com/zeugkit/zeug/internal/guide"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/acme"
	"github.com/zeugkit/zeug/serving/certs"
	"github.com/zeugkit/zeug/serving/proxyprotocol"
)

// The examples of docs/deployment.md. They are compiled and not run: each serves until it is stopped.

func TestTheGuideShowsCodeThatCompiles(t *testing.T) {
	guide.Holds(t, "../docs/deployment.md", nil, "example_guide_test.go")
}

func Example_probes() {
	addr := flag.String("addr", "127.0.0.1:5000", "")
	app := http.NotFoundHandler()
	var db *sql.DB
	serving.MainWith(*addr, app, serving.Options{
		Health: "/healthz", Ready: "/readyz",
		Check: func(ctx context.Context) error { return db.PingContext(ctx) },
	})
}

func Example_behindAProxy() {
	addr := flag.String("addr", "127.0.0.1:5000", "")
	app := http.NotFoundHandler()
	serving.MainWith(*addr, app, serving.Options{
		ProxyFix: middleware.ProxyFix{For: 1, Proto: 1, Host: 1}, // one proxy in front is ours
	})
}

func Example_certificates() {
	app := http.NotFoundHandler()
	serving.MainWith(":443", app, serving.Options{TLS: certs.Files("/etc/app/tls.crt", "/etc/app/tls.key")})
}

func Example_acme() {
	app := http.NotFoundHandler()
	serving.MainWith(":443", app, serving.Options{TLS: acme.Certificates(acme.Config{
		Domains: []string{"example.org"}, Cache: "/var/lib/app/acme",
	})})
}

func Example_proxyProtocol() {
	app := http.NotFoundHandler()
	cert, key := "/etc/app/tls.crt", "/etc/app/tls.key"
	fromProxy, err := proxyprotocol.From("10.0.0.0/8") // only these addresses are believed
	if err != nil {
		log.Fatal(err)
	}
	serving.MainWith(":443", app, serving.Options{WrapListener: fromProxy, TLS: certs.Files(cert, key)})
}

func Example_whatArrives() {
	serving.Main("unix:/run/app/app.sock", middleware.ProxyFix{For: 1, Proto: 1, Host: 1}.Wrap(testapp.App))
}

func Example_fastCGI() {
	app := http.NotFoundHandler()
	serving.MainWith("127.0.0.1:5000", app, serving.Options{
		Listen: []string{"fastcgi:///run/app/app.sock"}, SocketMode: 0o660,
	})
}
