package staticfiles

import (
	"path"
	"strings"

	"github.com/zeugkit/zeug/wrappers"
)

// octetStream is the type of files whose extension no table has.
const octetStream = "application/octet-stream"

// typeOf returns the value of the Content-Type field for a file name, by its extension and a
// table in this package, so that it is the same on every machine: "text/css; charset=utf-8",
// "image/png". Text formats, including XML, are declared as UTF-8, as in a [wrappers.Response]. A
// name that the table does not know is "application/octet-stream".
func typeOf(name string) string {
	if t := lookupType(name); t != "" {
		return withCharset(t)
	}
	return octetStream
}

// contentEncoding returns the coding that a file's own format implies: an .svgz is an SVG image
// that must be decompressed with gzip. If it is sent with another type, it has no coding.
func contentEncoding(name, contentType string) string {
	if strings.EqualFold(path.Ext(name), ".svgz") && mediaType(contentType) == "image/svg+xml" {
		return "gzip"
	}
	return ""
}

// mediaType is a Content-Type without its parameters, in lower case.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func lookupType(name string) string {
	ext := path.Ext(name)
	if t := types[ext]; t != "" {
		return t
	}
	return types[strings.ToLower(ext)]
}

// withCharset adds the charset by the same rule as every Response.
func withCharset(mediaType string) string {
	return wrappers.NewResponse(mediaType, nil).ContentType()
}

// compressible reports whether a file of this Content-Type is worth compressing, because it is not
// compressed already.
func compressible(contentType string) bool {
	t := mediaType(contentType)
	switch {
	case strings.HasPrefix(t, "text/"), strings.HasSuffix(t, "+json"), strings.HasSuffix(t, "+xml"):
		return true
	}
	switch t {
	case "application/json", "application/xml", "application/javascript", "application/wasm",
		"application/manifest+json", "application/rtf", "application/sql", "application/toml",
		"application/vnd.ms-fontobject", "application/x-sh", "application/x-tex", "application/yaml", "application/jsonl",
		"font/ttf", "font/otf", "font/collection", "image/bmp", "image/vnd.microsoft.icon",
		"model/gltf-binary", "model/obj", "model/stl", "model/step", "model/vrml", "application/postscript", "application/x-ndjson",
		"application/n-triples", "application/n-quads", "application/trig", "application/sparql-query", "image/emf", "image/wmf", "message/rfc822":
		return true
	}
	return false
}

// types are media types by extension, as IANA has registered them or otherwise as browsers use
// them.
var types = table(`
text/html                         html htm
text/css                          css
text/javascript                   js mjs cjs
text/plain                        txt text log conf cfg ini def list in diff patch srt
text/markdown                     md markdown
text/csv                          csv
text/tab-separated-values         tsv
text/calendar                     ics ifb
text/vcard                        vcf vcard
text/vtt                          vtt
text/turtle                       ttl
text/n3                           n3
text/sgml                         sgml sgm
text/x-rst                        rst
text/x-python                     py
text/x-go                         go
text/x-c                          c h
text/x-c++                        cc cpp cxx hh hpp
text/x-java                       java
text/x-rust                       rs
text/x-typescript                 tsx
text/cache-manifest               appcache
text/troff                        t tr roff man

application/json                  json map
application/ld+json               jsonld
application/geo+json              geojson
application/feed+json             jsonfeed
application/manifest+json         webmanifest
application/jsonl                 jsonl ndjson
application/xml                   xml xsd rng
application/xslt+xml              xsl xslt
application/xhtml+xml             xhtml xht
application/xml-dtd               dtd
application/rss+xml               rss
application/atom+xml              atom
application/gpx+xml               gpx
application/mathml+xml            mathml mml
application/rdf+xml               rdf owl
application/n-triples             nt
application/n-quads               nq
application/trig                  trig
application/sparql-query          rq
application/sparql-results+xml    srx
application/gml+xml               gml
application/ttml+xml              ttml
application/wsdl+xml              wsdl
application/xspf+xml              xspf
application/metalink4+xml         meta4
application/cbor                  cbor
message/rfc822                    eml mht mhtml
application/mbox                  mbox
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz  kmz
application/wasm                  wasm
application/yaml                  yaml yml
application/toml                  toml
application/sql                   sql
application/rtf                   rtf
application/pdf                   pdf
application/postscript            ps eps ai
application/epub+zip              epub
application/x-mobipocket-ebook    mobi
application/vnd.amazon.mobi8-ebook azw3
application/vnd.comicbook+zip     cbz
application/vnd.comicbook-rar     cbr
application/x-sh                  sh
application/x-tex                 tex
application/pgp-signature         sig asc
application/pkcs7-mime            p7m p7c
application/pkcs7-signature       p7s
application/pkcs12                p12 pfx
application/pkix-cert             cer
application/pkix-crl              crl
application/x-x509-ca-cert        crt der
application/pem-certificate-chain pem
application/x-bittorrent          torrent
application/vnd.sqlite3           sqlite sqlite3 db
application/vnd.apache.parquet    parquet
application/vnd.apache.arrow.file arrow
application/vnd.apache.arrow.stream arrows
application/vnd.mapbox-vector-tile mvt
application/vnd.tcpdump.pcap      pcap cap

application/gzip                  gz tgz
application/zip                   zip
application/zstd                  zst
application/x-brotli              br
application/x-bzip2               bz2 tbz2
application/x-xz                  xz txz
application/x-7z-compressed       7z
application/vnd.rar               rar
application/x-tar                 tar
application/x-lzma                lzma
application/java-archive          jar war ear
application/vnd.ms-cab-compressed cab
application/vnd.android.package-archive apk
application/vnd.debian.binary-package deb
application/x-rpm                 rpm
application/x-apple-diskimage     dmg
application/x-iso9660-image       iso
application/vnd.microsoft.portable-executable exe dll
application/x-msi                 msi
application/x-xpinstall           xpi

application/msword                doc dot
application/vnd.ms-excel          xls xlt
application/vnd.ms-powerpoint     ppt pps
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
application/vnd.openxmlformats-officedocument.spreadsheetml.template xltx
application/vnd.openxmlformats-officedocument.presentationml.template potx
application/vnd.openxmlformats-officedocument.presentationml.slideshow ppsx
application/vnd.ms-word.document.macroEnabled.12 docm
application/vnd.ms-word.template.macroEnabled.12 dotm
application/vnd.ms-excel.sheet.macroEnabled.12 xlsm
application/vnd.ms-excel.sheet.binary.macroEnabled.12 xlsb
application/vnd.ms-powerpoint.presentation.macroEnabled.12 pptm
application/vnd.ms-powerpoint.slideshow.macroEnabled.12 ppsm
application/vnd.ms-xpsdocument    xps
application/vnd.oasis.opendocument.text odt
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.graphics odg
application/vnd.oasis.opendocument.formula odf
application/vnd.oasis.opendocument.text-template ott
application/vnd.oasis.opendocument.spreadsheet-template ots
application/vnd.oasis.opendocument.presentation-template otp
application/vnd.ms-fontobject     eot
application/vnd.visio             vsd
application/vnd.apple.mpegurl     m3u8
application/dash+xml              mpd
application/vnd.apple.installer+xml mpkg
application/octet-stream          bin img dat

image/png                         png
image/apng                        apng
image/jpeg                        jpg jpeg jpe jfif
image/gif                         gif
image/webp                        webp
image/avif                        avif
image/jxl                         jxl
image/heic                        heic
image/heif                        heif
image/svg+xml                     svg svgz
image/bmp                         bmp
image/tiff                        tif tiff
image/vnd.microsoft.icon          ico cur
image/vnd.adobe.photoshop         psd
image/jp2                         jp2
image/jxr                         jxr
image/heic-sequence               heics
image/heif-sequence               heifs
image/ktx                         ktx
image/ktx2                        ktx2
image/emf                         emf
image/wmf                         wmf
image/vnd.djvu                    djvu djv
image/vnd.wap.wbmp                wbmp

audio/mpeg                        mp3 mp2 mpga
audio/ogg                         oga ogg opus spx
audio/wav                         wav
audio/flac                        flac
audio/aac                         aac adts
audio/mp4                         m4a m4b
audio/basic                       au snd
audio/AMR                         amr
audio/ac3                         ac3
audio/x-ms-wma                    wma
audio/midi                        mid midi kar
audio/webm                        weba
audio/aiff                        aif aiff aifc
audio/mpegurl                     m3u

video/mp4                         mp4 m4v
video/mpeg                        mpeg mpg mpe m1v
video/ogg                         ogv
video/webm                        webm
video/quicktime                   mov qt
video/x-matroska                  mkv
video/x-msvideo                   avi
video/x-ms-wmv                    wmv
video/x-flv                       flv
video/mp2t                        ts m2ts
video/3gpp                        3gp 3gpp
video/3gpp2                       3g2 3gpp2
video/iso.segment                 m4s
application/ogg                   ogx
application/vnd.ms-asf            asf
application/vnd.adobe.flash.movie swf

font/woff                         woff
font/woff2                        woff2
font/ttf                          ttf
font/otf                          otf
font/collection                   ttc

model/gltf+json                   gltf
model/gltf-binary                 glb
model/obj                         obj
model/stl                         stl
model/3mf                         3mf
model/step                        step stp
model/vrml                        wrl vrml
model/x3d+xml                     x3d
model/vnd.collada+xml             dae
model/vnd.usdz+zip                usdz
`)

func table(text string) map[string]string {
	m := make(map[string]string, 512)
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		for i := 1; i < len(fields); i++ {
			m["."+fields[i]] = fields[0]
		}
	}
	return m
}
