package drive

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Told is an answer in one line, for reports and errors: the code and the message of an error that is JSON, else the
// beginning of its body.
func Told(status int, body []byte) string {
	var e struct{ Error, Message string }
	if json.Unmarshal(body, &e) == nil && e.Error != "" {
		return fmt.Sprintf("%d %s: %s", status, e.Error, e.Message)
	}
	const enough = 300
	body = bytes.TrimSpace(body)
	if len(body) > enough {
		return fmt.Sprintf("%d %q...", status, body[:enough])
	}
	return fmt.Sprintf("%d %q", status, body)
}
