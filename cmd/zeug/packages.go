package main

import (
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
)

// completePackages offers the programs below the current folder.
func completePackages(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	out, err := exec.Command("go", "list", "-e", "-f", `{{if eq .Name "main"}}{{.Dir}}{{end}}`, "./...").Output()
	here, errHere := exec.Command("go", "list", "-e", "-f", "{{.Dir}}", ".").Output()
	if err != nil || errHere != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	var packages []string
	for dir := range strings.FieldsSeq(string(out)) {
		packages = append(packages, "."+strings.TrimPrefix(dir, strings.TrimSpace(string(here))))
	}
	return packages, cobra.ShellCompDirectiveNoFileComp
}
