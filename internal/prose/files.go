package prose

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Files calls the function each for every Go, Markdown, Python, JavaScript and HTML file below root, and for the
// files of `zeug new`, with the file's content and sentences. Names are relative to root, with slashes.
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
		ext := path.Ext(name)
		if !slices.Contains([]string{".md", ".go", ".py", ".js", ".html", ".txt"}, ext) {
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		switch ext {
		case ".md":
			sentences = MarkdownSentences(content)
		case ".go":
			if sentences, err = GoSentences(name, content); err != nil {
				return err
			}
		default:
			sentences = lineSentences(1, string(content))
		}
		if path.Dir(name) == "internal/prose" { // its strings have the constructions that it finds
			sentences = slices.DeleteFunc(sentences, func(s Sentence) bool { return s.Kind == Text })
		}
		each(name, content, sentences)
		return nil
	})
}
