package request

// TokenParam is the parameter of a stream of events that is its token: a browser can set no header on one.
const TokenParam = "access_token"

// CheckToken refuses a token in the query where it has no business. Whose it is is not its matter.
func CheckToken(given bool, format Format, head *Head) error {
	switch {
	case !given:
		return nil
	case format != Events:
		return BadParam(TokenParam, "is for streams of events; anything else takes -H 'Authorization: Bearer ...'")
	case head.Authorization != nil:
		return BadParam(TokenParam, "stands beside an Authorization header; one of them is enough")
	}
	return nil
}
