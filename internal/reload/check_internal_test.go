package reload

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

func TestClientsThatMayNotReadSourceLearnTheNumberOfMistakes(t *testing.T) {
	list := []Problem{{File: "/app/main.go", Line: 3, Column: 4, Message: strings.Repeat("long ", 1000)}}
	for range 2 * mostShown {
		list = append(list, Problem{File: "/app/a.html", Line: 7, Message: "a <b>\n"})
	}
	for client, want := range map[string]string{
		"127.0.0.1:9":    `{"count":41,"list":[{"place":"main.go:3:4","message":"long `,
		"203.0.113.7:80": `{"count":41}` + "\n",
	} {
		s := &Supervisor{config: Config{Program: Program{WorkDir: "/app"}, Guard: &debugger.Debugger{}}}
		r := httptest.NewRequest("GET", "http://localhost/.zeug/live", nil)
		r.RemoteAddr = client
		var text strings.Builder
		require.True(t, s.sendMistakes(&text, r, mistakes{known: true, list: list}))
		require.Contains(t, text.String(), "event: mistakes\ndata: "+want)
		require.Less(t, text.Len(), 4<<10)
		require.Equal(t, 3, strings.Count(text.String(), "\n"), "one line of data")
	}
}
