package wrappers

import (
	"encoding/json"
	"fmt"
	"strings"
)

// IsJSON reports whether the media type is JSON: application/json, or anything
// that ends in "+json".
func (resp *Response) IsJSON() bool { return isJSON(resp.ContentType()) }

func isJSON(contentType string) bool {
	essence, _, _ := strings.Cut(contentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	return essence == "application/json" || strings.HasPrefix(essence, "application/") && strings.HasSuffix(essence, "+json")
}

// JSON reads the body into v, which is for tests and for what [Capture] got. A
// media type that is not JSON is an error.
func (resp *Response) JSON(v any) error {
	if !resp.IsJSON() {
		return fmt.Errorf("response is not JSON but %q", resp.ContentType())
	}
	body, err := resp.Bytes()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("response as JSON: %w", err)
	}
	return nil
}
