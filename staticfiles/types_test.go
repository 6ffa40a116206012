package staticfiles_test

import (
	"mime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

func TestContentTypes(t *testing.T) {
	for rule, types := range map[string]map[string]string{
		"texts are in UTF-8": {
			"a.txt": "text/plain; charset=utf-8", "a.css": "text/css; charset=utf-8", "a.ttl": "text/turtle; charset=utf-8",
			"a.svg": "image/svg+xml; charset=utf-8", "a.rdf": "application/rdf+xml; charset=utf-8", "a.xml": "application/xml; charset=utf-8",
		},
		"JSON names no charset": {"a.json": "application/json", "a.geojson": "application/geo+json", "a.webmanifest": "application/manifest+json"},
		"case does not matter":  {"A.PNG": "image/png", "a.JpG": "image/jpeg", "a.b.PDF": "application/pdf"},
		"the last extension counts": {
			"a.tar.gz": "application/gzip", "jquery.min.js": "text/javascript; charset=utf-8", "a.txt.zst": "application/zstd",
		},
		"without an extension that is known nothing is guessed": {
			"README": "application/octet-stream", "a.": "application/octet-stream", "a.unheard": "application/octet-stream", ".bashrc": "application/octet-stream",
		},
		// nginx and Python have other types for these.
		"registered types take precedence over others": {
			"a.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "a.ico": "image/vnd.microsoft.icon",
			"a.opus": "audio/ogg", "a.3gp": "video/3gpp", "a.obj": "model/obj", "a.vcf": "text/vcard; charset=utf-8", "a.rar": "application/vnd.rar",
			"a.pem": "application/pem-certificate-chain", "a.cer": "application/pkix-cert", "a.p12": "application/pkcs12",
			"a.sqlite": "application/vnd.sqlite3", "a.swf": "application/vnd.adobe.flash.movie", "a.asf": "application/vnd.ms-asf", "a.eml": "message/rfc822",
			"a.m4s": "video/iso.segment", "a.parquet": "application/vnd.apache.parquet", "a.xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
		},
	} {
		for name, want := range types {
			t.Run(rule+" "+name, func(t *testing.T) {
				resp, err := staticfiles.SendReader(strings.NewReader(""), staticfiles.SendOptions{DownloadName: name})
				require.NoError(t, err)
				have := resp.ContentType()
				require.Equal(t, want, have)
				mediaType, params, err := mime.ParseMediaType(have)
				require.NoError(t, err)
				require.Equal(t, strings.Contains(want, "charset"), params["charset"] == "utf-8", mediaType)
			})
		}
	}
}

func TestTypesOfAnExport(t *testing.T) {
	dir := write(t, map[string]string{"README": "x", "a.css": "x", "a.unheard": "x", "a.MD": "x", "a.": "x"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/own", Dir: dir, Types: map[string]string{"": "text/plain", "md": "text/x-own", ".css": "text/x-css"}},
		{Prefix: "/dot", Dir: dir, Types: map[string]string{".": "application/x-own"}},
		{Prefix: "/none", Dir: dir},
	}})
	for path, want := range map[string]string{
		"/own/README": "text/plain; charset=utf-8", "/own/a.unheard": "text/plain; charset=utf-8", "/own/a.": "text/plain; charset=utf-8",
		"/own/a.MD": "text/x-own; charset=utf-8", "/own/a.css": "text/x-css; charset=utf-8",
		"/dot/README": "application/x-own", "/dot/a.css": "text/css; charset=utf-8",
		"/none/README": "application/octet-stream", "/none/a.MD": "text/markdown; charset=utf-8",
	} {
		t.Run(path+" is "+want, func(t *testing.T) {
			require.Equal(t, want, ask(s, "GET", path).Header.Get("Content-Type"))
		})
	}
}
