//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// terminal is a shell in a terminal of tmux.
type terminal struct {
	t      *testing.T
	socket string
}

const shellPrompt = "ready>"

// shells are the commands that start each shell without the files of a user, and what is typed
// to switch completion on, as "zeug completion SHELL --help" says.
var shells = map[string]struct{ start, setUp string }{
	"bash": {"bash --norc --noprofile -i", `PS1='` + shellPrompt + ` '; source /usr/share/bash-completion/bash_completion; source <(zeug completion bash)`},
	"zsh":  {"zsh -f -i", `PS1='` + shellPrompt + ` '; autoload -U compinit; compinit -u -D; source <(zeug completion zsh)`},
	"fish": {"fish --no-config -i", `function fish_prompt; echo -n '` + shellPrompt + ` '; end; set -g fish_autosuggestion_enabled 0; zeug completion fish | source`},
}

// openTerminal starts a shell in dir, with the command zeug in its PATH.
func openTerminal(t *testing.T, shell, dir string) *terminal {
	t.Helper()
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nTEST_ZEUG=1 exec %q \"$@\"\n", os.Args[0])
	require.NoError(t, os.WriteFile(filepath.Join(bin, "zeug"), []byte(script), 0o700))
	home := t.TempDir()
	term := &terminal{t: t, socket: filepath.Join(home, "tmux")}
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), "GOWORK=off", "TERM=xterm"}
	term.tmux(append(os.Environ(), env...), "-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "40", "-c", dir,
		"env "+quoted(env)+" "+shells[shell].start)
	pid := strings.TrimSpace(term.tmux(nil, "list-panes", "-F", "#{pane_pid}"))
	t.Cleanup(func() {
		term.tmux(nil, "kill-server")
		// The shell writes its history into the folder until it ends.
		require.Eventually(t, func() bool {
			state, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output()
			return len(state) == 0 || state[0] == 'Z'
		}, time.Minute, 10*time.Millisecond, "process %s of the shell ends", pid)
	})
	term.keys("-l", shells[shell].setUp)
	term.keys("Enter")
	term.clear()
	return term
}

// quoted joins words for a shell.
func quoted(words []string) string {
	var s []string
	for _, w := range words {
		s = append(s, "'"+w+"'")
	}
	return strings.Join(s, " ")
}

func (term *terminal) tmux(env []string, args ...string) string {
	term.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	require.NoError(term.t, err, "%s", out)
	return string(out)
}

func (term *terminal) keys(keys ...string) {
	term.t.Helper()
	term.tmux(nil, append([]string{"send-keys"}, keys...)...)
}

// screen is what the terminal shows, without spaces at the ends of lines.
func (term *terminal) screen() string {
	term.t.Helper()
	var lines []string
	for line := range strings.Lines(term.tmux(nil, "capture-pane", "-p")) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// await waits until the screen is as wanted.
func (term *terminal) await(wanted func(screen string) bool, what string) {
	term.t.Helper()
	for end := time.Now().Add(time.Minute); !wanted(term.screen()); time.Sleep(50 * time.Millisecond) {
		require.True(term.t, time.Now().Before(end), "%s; the screen is\n%s", what, term.screen())
	}
}

// clear empties the line and the screen.
func (term *terminal) clear() {
	term.t.Helper()
	term.keys("C-u")
	term.keys("-l", "clear")
	term.keys("Enter")
	term.await(func(screen string) bool { return screen == shellPrompt }, "no prompt")
}

// TestCompletionInShells types as a person does and presses Tab.
func TestCompletionInShells(t *testing.T) {
	for _, command := range []string{"tmux", "bash", "zsh", "fish"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skip(command + " is not installed")
		}
	}
	if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); err != nil {
		t.Skip("bash-completion is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":              "module example.org/ada/guestbook\n\ngo 1.26\n",
		"cmd/visitors/v.go":   "package main\n\nfunc main() {}\n",
		"cmd/vocabulary/v.go": "package vocabulary\n",
		"flask_app.py":        "app = None\n",
		"flask.txt":           "",
		"server.pid":          "1\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for shell := range shells {
		t.Run(shell, func(t *testing.T) {
			term := openTerminal(t, shell, dir)
			for _, c := range []struct{ name, typed, want string }{
				{"command", "zeug rou", "zeug routes"},
				{"flag", "zeug run --no-l", "zeug run --no-live-reload"},
				{"folder with a main package", "zeug run ./cmd/v", "zeug run ./cmd/visitors"},
				{"Python module", "zeug serve fl", "zeug serve flask_app"},
				{"PID file", "zeug reload se", "zeug reload server.pid"},
				{"PID file for the state", "zeug status se", "zeug status server.pid"},
			} {
				term.keys("-l", c.typed)
				term.await(func(screen string) bool { return strings.HasPrefix(screen, shellPrompt+" "+c.typed) }, c.name)
				term.keys("Tab")
				term.await(func(screen string) bool {
					line, _, _ := strings.Cut(screen, "\n")
					return line == shellPrompt+" "+c.want
				}, c.name)
				term.clear()
			}
		})
	}
}
