package webtest_test

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// A websocket library uses the client's own http.Client.
func TestWebsocket(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		var name string
		if wsjson.Read(r.Context(), conn, &name) == nil {
			wsjson.Write(r.Context(), conn, "hello "+name+r.Header.Get("Cookie"))
		}
		conn.Close(websocket.StatusNormalClosure, "")
	})
	c := webtest.New(t, app)
	c.SetCookie(&http.Cookie{Name: "a", Value: "b"})
	conn, _, err := websocket.Dial(t.Context(), "ws://example.com/chat", &websocket.DialOptions{HTTPClient: c.HTTPClient()})
	require.NoError(t, err)
	defer conn.CloseNow()
	require.NoError(t, wsjson.Write(t.Context(), conn, "ann, "))
	var answer string
	require.NoError(t, wsjson.Read(t.Context(), conn, &answer))
	require.Equal(t, "hello ann, a=b", answer)
}
