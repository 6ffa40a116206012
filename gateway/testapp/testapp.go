// Package testapp is an application that shows the requests that reach it: put it in place of your
// application, and see whether the servers in front pass everything on.
//
//	serving.MainWith("unix:/run/app/app.sock", middleware.ProxyFix{For: 1, Proto: 1, Host: 1}.Wrap(testapp.App), serving.Options{})
//
// It is Werkzeug's werkzeug.testapp.
package testapp

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"html"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// App answers every request with a page of facts. It shows the origin (scheme, host, root path,
// client) as middlewares left it and as the server received it, the request line and the header,
// the connection, and the modules from which the program was built. Browsers get HTML, other
// clients text. It shows only the length of credentials and cookies, and nothing of the process's
// environment. It shows strangers the versions of the program's modules: remove it when you have
// looked.
var App http.Handler = http.HandlerFunc(answer)

// section is a table of the page.
type section struct {
	title string
	facts [][2]string
}

func answer(w http.ResponseWriter, r *http.Request) {
	sections := []section{
		{"Origin", originFacts(gateway.OriginOf(r))},
		{"Origin as received", originFacts(gateway.Received(r))},
		{"Request", requestFacts(r)},
		{"Header", headerFacts(r)},
		{"Build", buildFacts()},
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	var b strings.Builder
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		writeHTML(&b, sections)
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeText(&b, sections)
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	fmt.Fprint(w, b.String())
}

func originFacts(o gateway.Origin) [][2]string {
	client := "none (a unix socket, say)"
	if o.Client.IsValid() {
		client = o.Client.String()
	}
	return [][2]string{{"Scheme", o.Scheme}, {"Host", o.Host}, {"RootPath", o.RootPath}, {"Client", client}}
}

func requestFacts(r *http.Request) [][2]string {
	facts := [][2]string{
		{"Method", r.Method}, {"Request target", r.RequestURI}, {"Path", r.URL.Path}, {"Query", r.URL.RawQuery},
		{"Protocol", r.Proto}, {"Peer", r.RemoteAddr}, {"Content length", strconv.FormatInt(r.ContentLength, 10)},
	}
	if r.ContentLength < 0 {
		facts[len(facts)-1][1] = "unknown"
	}
	if len(r.TransferEncoding) > 0 {
		facts = append(facts, [2]string{"Transfer coding", strings.Join(r.TransferEncoding, ", ")})
	}
	if r.TLS != nil {
		facts = append(facts,
			[2]string{"TLS", tls.VersionName(r.TLS.Version)}, [2]string{"Server name", r.TLS.ServerName})
	}
	return facts
}

// secret names the fields that would let another person act as the client.
var secret = []string{"Authorization", "Cookie", "Proxy-Authorization"}

func headerFacts(r *http.Request) (facts [][2]string) {
	for name, values := range r.Header {
		for _, value := range values {
			if slices.Contains(secret, name) {
				value = fmt.Sprintf("(%d bytes, not shown)", len(value))
			}
			facts = append(facts, [2]string{name, value})
		}
	}
	slices.SortStableFunc(facts, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	return facts
}

func buildFacts() [][2]string {
	facts := [][2]string{{"Go", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return facts
	}
	facts = append(facts, [2]string{"Program", info.Path}, [2]string{"Version", info.Main.Version})
	for _, setting := range info.Settings {
		if strings.HasPrefix(setting.Key, "vcs.") {
			facts = append(facts, [2]string{setting.Key, setting.Value})
		}
	}
	for _, module := range info.Deps {
		facts = append(facts, [2]string{module.Path, module.Version})
	}
	return facts
}

// writeText writes one fact on each line; text from a client cannot begin another line.
func writeText(b *strings.Builder, sections []section) {
	for i, s := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%s\n", s.title)
		for _, fact := range s.facts {
			value := strconv.Quote(fact[1])
			fmt.Fprintf(b, "  %s: %s\n", fact[0], value[1:len(value)-1])
		}
	}
}

const style = `body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}table{border-collapse:collapse;width:100%}
th{text-align:left;font-weight:normal;width:14rem;vertical-align:top;padding:.1rem 1rem .1rem 0;opacity:.7}
td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}:root{color-scheme:light dark}`

func writeHTML(b *strings.Builder, sections []section) {
	b.WriteString("<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width\">\n" +
		"<title>What reaches the application</title>\n<style>" + style + "</style>\n</head>\n<body>\n<h1>What reaches the application</h1>\n")
	for _, s := range sections {
		b.WriteString("<h2>" + s.title + "</h2>\n<table>\n")
		for _, fact := range s.facts {
			b.WriteString("<tr><th>" + html.EscapeString(fact[0]) + "<td>" + html.EscapeString(fact[1]) + "\n")
		}
		b.WriteString("</table>\n")
	}
	b.WriteString("</body>\n</html>\n")
}
