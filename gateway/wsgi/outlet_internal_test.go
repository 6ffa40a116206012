package wsgi

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waitingWriter writes only after it is allowed to.
type waitingWriter struct {
	*httptest.ResponseRecorder
	may chan struct{}
}

func (w *waitingWriter) Write(p []byte) (int, error) {
	<-w.may
	return w.ResponseRecorder.Write(p)
}

// The waiting bytes of several responses stay within the budget, except for one part of each, and
// are freed in the end.
func TestOutletsKeepToTheBudget(t *testing.T) {
	var b budget
	b.left.Store(1000)
	may := make(chan struct{})
	part := make([]byte, 400)
	var outlets []*outlet
	for range 2 {
		o := &outlet{w: &waitingWriter{httptest.NewRecorder(), may}, limit: 1 << 20, budget: &b, written: directly}
		require.NoError(t, o.write(part))
		outlets = append(outlets, o)
	}
	require.EqualValues(t, 200, b.left.Load())
	third := &outlet{w: &waitingWriter{httptest.NewRecorder(), may}, limit: 1 << 20, budget: &b, written: directly}
	require.NoError(t, third.write(part), "a part may wait in any case")
	require.EqualValues(t, 200, b.left.Load())
	wrote := make(chan error, 1)
	go func() { wrote <- outlets[0].write(part) }()
	select {
	case <-wrote:
		t.Fatal("a second part is beyond the budget")
	case <-time.After(50 * time.Millisecond):
	}
	close(may)
	require.NoError(t, <-wrote)
	for _, o := range append(outlets, third) {
		o.finish()
	}
	require.EqualValues(t, 1000, b.left.Load())
}
