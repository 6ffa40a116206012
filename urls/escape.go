package urls

import "github.com/zeugkit/zeug/internal/percent"

// The characters that are not encoded in each part of a URL: those that the URL standard does not
// percent-encode there, without those that the part's own syntax needs.
var (
	// These sets are for whole parts of a URL. They contain "%", so that escapes in the part stay.
	iriPathChars     = percent.EscapedPath
	iriQueryChars    = percent.NewSet(percent.Unreserved + "%!$&'()*+,/:;=?@")
	iriFragmentChars = percent.NewSet(percent.Unreserved + "%!#$&'()*+,/:;=?@")
	iriUserChars     = percent.NewSet(percent.Unreserved + "%!$&'()*+,;=")
	iriHostChars     = percent.NewSet(percent.Unreserved + "%!$&'()*+,;=:")
)
