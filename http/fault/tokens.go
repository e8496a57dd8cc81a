package fault

// What is wrong with who asks, as RFC 6750 says it. No error shows what was sent as a token.

// TokenMissing refuses a request without a token; what says what is wrong.
func TokenMissing(what string) *Error {
	e := Unauthorized.New(what+": -H 'Authorization: Bearer fq_...'; flashq token create makes one", nil)
	e.Challenge = "Bearer"
	return e
}

// TokenUnknown refuses a token that is none.
func TokenUnknown() *Error {
	return invalidToken("The token is not known to this broker: it is wrong, was revoked, or its file was not read yet; " +
		"flashq token list shows which there are")
}

// TokenRevoked ends what went on for a token.
func TokenRevoked() *Error {
	return invalidToken("The token was revoked, or may do other things from now on; the same request again tells")
}

func invalidToken(message string) *Error {
	e := Unauthorized.New(message, nil)
	e.Challenge = `Bearer error="invalid_token"`
	return e
}
