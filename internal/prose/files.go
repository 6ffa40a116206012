package prose

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Files calls the function each for every Go and Markdown file below root, with the file's content
// and sentences. Names are relative to root, with slashes.
func Files(root string, each func(name string, content []byte, sentences []Sentence)) error {
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") && file != root {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		var sentences []Sentence
		if ext := path.Ext(name); ext != ".md" && ext != ".go" {
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".md" {
			sentences = MarkdownSentences(content)
		} else if sentences, err = GoSentences(name, content); err != nil {
			return err
		}
		each(name, content, sentences)
		return nil
	})
}
