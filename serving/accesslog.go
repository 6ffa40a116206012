package serving

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/zeugkit/zeug/internal/linewriter"
)

// requestLines takes the access log's lines on their way to standard error, if that is
// not a terminal. A terminal gets each line at once.
var requestLines = linewriter.New(os.Stderr, droppedLine)

// completeAccessLog sets where the access log goes by default.
func (o *Options) completeAccessLog() {
	l := &o.AccessLog
	if l.Logger != nil {
		return
	}
	l.Logger = o.Logger
	if o.Logger == toPipe && l.Combined == nil && l.JSON == nil {
		l.JSON = requestLines
	}
}

// droppedLine is the record that reports dropped lines.
func droppedLine(lines int) []byte {
	record := struct {
		Time  time.Time  `json:"time"`
		Level slog.Level `json:"level"`
		Msg   string     `json:"msg"`
		Lines int        `json:"lines"`
	}{time.Now(), slog.LevelWarn, "standard error took no lines of the access log, which dropped some", lines}
	line, _ := json.Marshal(record) // of these types it cannot fail
	return append(line, '\n')
}

// lastLines is how long the end of a server waits for the access log.
const lastLines = 5 * time.Second

// flushAccessLog writes the lines that wait.
func flushAccessLog() {
	ctx, cancel := context.WithTimeout(context.Background(), lastLines)
	defer cancel()
	_ = requestLines.Flush(ctx) // the reader of the warning reads the same output
}
