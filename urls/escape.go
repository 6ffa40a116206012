package urls

import "github.com/zeugkit/zeug/internal/percent"

// The characters that stay as they are in each part of a URL: the characters that the URL standard
// does not percent-encode there, without those that the part's own syntax needs.
var (
	// These sets are for whole parts of a URL. They keep "%", so that escapes in the part stay.
	iriPathChars     = percent.EscapedPath
	iriQueryChars    = percent.NewSet(percent.Unreserved + "%!$&'()*+,/:;=?@")
	iriFragmentChars = percent.NewSet(percent.Unreserved + "%!#$&'()*+,/:;=?@")
	iriUserChars     = percent.NewSet(percent.Unreserved + "%!$&'()*+,;=")
	iriHostChars     = percent.NewSet(percent.Unreserved + "%!$&'()*+,;=:")
)
