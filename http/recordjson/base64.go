package recordjson

import (
	"bytes"
	"encoding/base64"
)

// strict also refuses bits that no encoder sets; it still passes over line breaks, which no base64 of ours has.
var strict = base64.StdEncoding.Strict()

// base64Size is how many bytes p means, if it is base64 with padding at all.
func base64Size(p []byte) int {
	n := len(p) / 4 * 3
	for i := len(p); i > len(p)-2 && i > 0 && p[i-1] == '='; i-- {
		n--
	}
	return n
}

// base64Room is how much room appendBase64Decoded needs.
func base64Room(p []byte) int { return len(p)/4*3 + 3 }

// appendBase64Decoded appends what p means; dst has room for it.
func appendBase64Decoded(dst, p []byte) (out []byte, ok bool) {
	if len(p)%4 != 0 || bytes.IndexByte(p, '\n') >= 0 || bytes.IndexByte(p, '\r') >= 0 {
		return dst, false
	}
	out, err := strict.AppendDecode(dst, p)
	return out, err == nil
}
