package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The help is wrapped between words, at 80 columns or fewer if COLUMNS says so.
const (
	widest    = 80
	narrowest = 40
)

func columns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n > widest {
		return widest
	}
	return max(n, narrowest)
}

// wrapHelp makes a command and its subcommands wrap their help.
func wrapHelp(root *cobra.Command) {
	cobra.AddTemplateFunc("wrap", func(text string) string { return wrap(text, columns()) })
	cobra.AddTemplateFunc("localFlags", func(c *cobra.Command) string { return c.LocalFlags().FlagUsagesWrapped(columns()) })
	cobra.AddTemplateFunc("inheritedFlags", func(c *cobra.Command) string { return c.InheritedFlags().FlagUsagesWrapped(columns()) })
	root.SetUsageTemplate(strings.NewReplacer(
		".LocalFlags.FlagUsages", "localFlags .", ".InheritedFlags.FlagUsages", "inheritedFlags .",
	).Replace(root.UsageTemplate()))
	root.SetHelpTemplate(`{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces | wrap}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`)
}

// wrap fills the paragraphs of a text up to a number of columns. Lines that are
// indented stay as they are.
func wrap(text string, columns int) string {
	var out, line strings.Builder
	flush := func() {
		if line.Len() > 0 {
			out.WriteString(line.String() + "\n")
			line.Reset()
		}
	}
	for l := range strings.Lines(text) {
		if strings.TrimSpace(l) == "" || l[0] == ' ' || l[0] == '\t' {
			flush()
			out.WriteString(strings.TrimRight(l, " \n") + "\n")
			continue
		}
		for word := range strings.FieldsSeq(l) {
			if line.Len() > 0 && line.Len()+1+len(word) > columns {
				flush()
			}
			if line.Len() > 0 {
				line.WriteByte(' ')
			}
			line.WriteString(word)
		}
	}
	flush()
	return strings.TrimRight(out.String(), "\n")
}
