package conformance_test

import "github.com/zeugkit/zeug/security"

var _ = register(map[string]operation{
	"safe_join": answers(func(in struct {
		Directory, Path string
		Parts           []string
	}) any {
		if in.Parts == nil {
			in.Parts = []string{in.Path}
		}
		return orNull(security.SafeJoin(in.Directory, in.Parts...))
	}),
	"secure_filename": answers(func(in struct{ Name string }) any { return security.SecureFilename(in.Name) }),
})
