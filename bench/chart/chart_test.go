package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRowsWithARatioAreRead(t *testing.T) {
	require.Equal(t, []section{{"B", []row{{"one", 0.25}, {"a b", 3}, {"spread", 1.2}}}, {"C", []row{{"two", 1}}}}, read(`# A
| | x | ratio of something |
|---|---|---|
| none | 1 | 2 |
## B
| | x | ratio |
|---|---|---|
| one | 1 | 0.25 |
| alone | 1 | – |
| a b | 1 | 3.00 |
| spread | 1 | 1.20 (1.18–1.31), busy 2/15 |
| of another | 1 | 1.20 (1.18–1.31) of nginx |
| of another, one round | 1 | 1.20 of nginx |

| | x | y |
|---|---|---|
| other | 1 | 2 |
## C
| | x | ratio |
|---|---|---|
| two | 1 | 1.00 |
`))
}

// The chart in docs is that of the tables.
func TestTheChartIsThatOfTheTables(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	require.NoError(t, err)
	svg, err := os.ReadFile("../../docs/performance.svg")
	require.NoError(t, err)
	require.Equal(t, string(draw(read(string(text)))), string(svg), "run: cd bench && go run ./chart ../docs/performance.md > ../docs/performance.svg")
}

func TestAChartIsXMLWhateverTheNames(t *testing.T) {
	svg := draw([]section{{"<a> & b", []row{{`"<script>"`, 0.001}, {"x", 1000}}}})
	decoder := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.NotContains(t, string(svg), "<script")
}
