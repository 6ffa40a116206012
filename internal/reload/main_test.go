package reload_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain clears what the developer's shell may set: programs have their own workspace or none, and the tests
// set the rest themselves.
func TestMain(m *testing.M) {
	for _, variable := range []string{"GOWORK", "GO_ENV", "ZEUG_DEBUG_PIN"} {
		if err := os.Setenv(variable, ""); err != nil {
			panic(err)
		}
	}
	// Some of the parallel tests wait, so that a few more may run than there are processors.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
