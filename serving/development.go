package serving

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/listen"
	"github.com/zeugkit/zeug/internal/starterror"
	"github.com/zeugkit/zeug/internal/supervise"
)

// developmentTools returns the debugger and the reloader, which a program has if it imports
// serving/dev. The error is for the field of Options that asks for one of them.
func developmentTools(field string) (*devtools.Tools, error) {
	if tools := devtools.Linked(); tools != nil {
		return tools, nil
	}
	return nil, fmt.Errorf("serving: Options.%s needs a tool of development, and this program links none of them: add import _ %q, or run it by \"zeug run\", which needs no option",
		field, devtools.ImportPath)
}

// runSupervisor makes this process the supervisor of its own program.
func runSupervisor(addrs []string, o Options) error {
	if err := o.complete(); err != nil {
		return &starterror.Error{Err: err}
	}
	tools, err := developmentTools("Reload")
	if err != nil {
		return &starterror.Error{Err: err}
	}
	for i, addr := range addrs {
		if addr == "" {
			addrs[i] = listen.Default
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err = tools.Reload(ctx, devtools.Reload{
		Listen: addrs, SocketMode: o.SocketMode, WrapListener: o.WrapListener,
		Watch: o.Watch, Exclude: o.Exclude, Poll: o.Poll,
		Logger: o.Logger, Terminal: supervise.OnTerminal(),
	})
	if err != nil {
		return &starterror.Error{Err: err}
	}
	return nil
}
