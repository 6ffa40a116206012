package serving_test

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
)

func TestRunRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, c := range map[string]struct{ addr, says string }{
		"a port that is taken":     {taken.Addr().String(), "is in use by another program: stop it, or choose another port"},
		"an address without port":  {"127.0.0.1", `write "host:port"`},
		"another machine's addess": {"192.0.2.1:0", "is no address of this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, serving.Run(c.addr, http.NotFoundHandler()), c.says)
		})
	}
}
