// Command chart draws the ratios of docs/performance.md as docs/performance.svg: one bar for each row
// of a table whose last column is "ratio", from the fastest peer's time to ours.
//
//	go run ./chart ../docs/performance.md > ../docs/performance.svg
package main

import (
	"bytes"
	"fmt"
	"html"
	"log"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: chart FILE.md")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(draw(read(string(text))))
}

// section is a heading with the rows of its tables.
type section struct {
	title string
	rows  []row
}

// row is a case, and how many times as long Zeug takes as the fastest peer.
type row struct {
	name  string
	ratio float64
}

// read returns the sections of a document that have a table with ratios.
//
//	## Templates
//	| | templates | html/template | ratio |     section "Templates"
//	|---|---|---|---|
//	| 50 links | 39 µs | 155 µs | 0.25 (0.24–0.27) |        row "50 links", 0.25
func read(text string) (list []section) {
	title, inTable := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			title = heading
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		last := cells[len(cells)-1]
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case last == "ratio":
			inTable = true
		case inTable:
			figure, rest, _ := strings.Cut(last, " ") // the quartiles may follow
			ratio, err := strconv.ParseFloat(figure, 64)
			if err != nil || strings.Contains(" "+rest, " of ") {
				continue // a line, or a row without a peer, or a peer that is not the fastest
			}
			if len(list) == 0 || list[len(list)-1].title != title {
				list = append(list, section{title: title})
			}
			s := &list[len(list)-1]
			s.rows = append(s.rows, row{cells[0], ratio})
		}
	}
	return list
}

// The measures of the picture. It is narrow enough to be read on a phone.
const (
	width      = 480
	left       = 266 // where bars can begin
	right      = 444 // where they end; the figure follows
	rowHeight  = 17
	headHeight = 30
	top        = 44
	// least and most are the ratios at the ends of the scale, which is logarithmic. A bar beyond
	// an end is cut, and its figure says how long it is.
	least, most = 1. / 8, 4.
)

const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2933 }
.head { font-weight: 600 }
.scale { font-size: 10px; fill: #52606d }
.faster { fill: #0f766e }
.slower { fill: #b45309 }
.line { stroke: #9aa5b1; stroke-width: 1 }
.back { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb } .scale { fill: #9aa5b1 } .line { stroke: #52606d }
  .faster { fill: #2dd4bf } .slower { fill: #fbbf24 } .back { fill: #0d1117 }
}
`

// draw returns the chart as SVG.
func draw(sections []section) []byte {
	height := top
	for _, s := range sections {
		height += headHeight + rowHeight*len(s.rows)
	}
	height += 10
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"Zeug's time of each task as a multiple of the fastest peer's\">\n", width, height, width, height)
	fmt.Fprintf(&b, "<style>%s</style>\n<rect class=\"back\" width=\"%d\" height=\"%d\"/>\n", style, width, height)
	fmt.Fprintf(&b, "<text class=\"scale\" x=\"%d\" y=\"14\" text-anchor=\"end\">Zeug is faster</text>\n<text class=\"scale\" x=\"%d\" y=\"14\">slower</text>\n", at(1)-6, at(1)+6)
	for _, ratio := range []float64{1. / 8, 1. / 4, 1. / 2, 1, 2, 4} {
		fmt.Fprintf(&b, "<text class=\"scale\" x=\"%d\" y=\"30\" text-anchor=\"middle\">%s</text>\n<line class=\"line\" x1=\"%d\" y1=\"36\" x2=\"%d\" y2=\"%d\"%s/>\n",
			at(ratio), mark(ratio), at(ratio), at(ratio), height-6, dashes(ratio))
	}
	y := top
	for _, s := range sections {
		y += headHeight
		fmt.Fprintf(&b, "<text class=\"head\" x=\"8\" y=\"%d\">%s</text>\n", y-10, html.EscapeString(s.title))
		for _, r := range s.rows {
			from, to, class := at(r.ratio), at(1), "faster"
			if r.ratio > 1 {
				from, to, class = to, from, "slower"
			}
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.2f</text>\n",
				left-8, y+9, html.EscapeString(r.name), class, from, y, max(1, to-from), rowHeight-6, width-4, y+9, r.ratio)
			y += rowHeight
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// at returns the place of a ratio on the scale.
func at(ratio float64) int {
	ratio = min(max(ratio, least), most)
	return left + int(math.Round((right-left)*math.Log(ratio/least)/math.Log(most/least)))
}

// mark is the text of a place of the scale.
func mark(ratio float64) string {
	if ratio < 1 {
		return "1/" + strconv.Itoa(int(math.Round(1/ratio)))
	}
	return strconv.Itoa(int(ratio))
}

func dashes(ratio float64) string {
	if ratio == 1 {
		return ""
	}
	return ` stroke-dasharray="1 3"`
}
