package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/timeline"
)

// marks is a hook that shows the commands of a request on its time line under "zeug run".
type marks struct{}

// DialHook is redis.Hook's.
func (marks) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is redis.Hook's.
func (marks) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		if timeline.Recording(ctx) {
			defer timeline.Start(ctx, "redis", commandText(command)).End()
		}
		return next(ctx, command)
	}
}

// ProcessPipelineHook is redis.Hook's.
func (marks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		if timeline.Recording(ctx) {
			var texts []string
			for _, command := range commands[:min(len(commands), 20)] {
				texts = append(texts, commandText(command))
			}
			defer timeline.Start(ctx, "redis", strings.Join(texts, "; ")).End()
		}
		return next(ctx, commands)
	}
}

// commandText is a command with its key: "get url-target:1". Scripts have their key after their text.
// A connection is opened for the request that needs it first, so the password may be among the commands.
func commandText(command redis.Cmder) string {
	args := command.Args()
	text := command.Name()
	if strings.HasPrefix(text, "eval") && len(args) > 3 {
		return fmt.Sprint(text, " ", args[3])
	}
	if len(args) > 1 && text != "auth" {
		text += fmt.Sprint(" ", args[1])
	}
	return text
}
