package hostile

import (
	"slices"
	"strings"
	"testing"
)

// Where a body ends is what two parties must not see differently.
func TestFraming(t *testing.T) {
	bad := func(name, send string) row { return row{name: name, send: send, status: 400, code: "invalid_request"} }
	cl := func(length string) string { return framed("Content-Length: "+length+"\r\n", goodBody) }
	te := func(coding string) string { return framed("Transfer-Encoding: "+coding+"\r\n", chunks(goodBody)) }
	const chunked = "Transfer-Encoding: chunked\r\n"
	hit(t, []row{
		bad("both lengths", framed("Content-Length: 27\r\n"+chunked, chunks(goodBody))),
		bad("both lengths, chunked first", framed(chunked+"Content-Length: 27\r\n", chunks(goodBody))),
		bad("both lengths, none of it", framed(chunked+"Content-Length: 0\r\n", chunks(goodBody))),
		bad("both lengths on a PUT", "PUT /topics/made HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"+
			"Content-Length: 2\r\n"+chunked+"\r\n"+chunks("{}")),
		bad("both lengths on a GET", "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"+chunked+"\r\n"+chunks("")),
		bad("two lengths", framed("Content-Length: 27\r\nContent-Length: 5\r\n", goodBody)),
		bad("two lengths, the last is right", framed("Content-Length: 5\r\nContent-Length: 27\r\n", goodBody)),
		bad("two equal lengths", framed("Content-Length: 27\r\nContent-Length: 27\r\n", goodBody)),
		bad("two lengths in a list", cl("27, 5")),
		bad("two equal lengths in a list", cl("27, 27")),
		bad("a negative length", cl("-1")),
		bad("a length of minus 27", cl("-27")),
		bad("a length with a plus", cl("+27")),
		bad("a hexadecimal length", cl("0x1b")),
		bad("an exponent in the length", cl("2.7e1")),
		bad("a fraction for a length", cl("27.0")),
		bad("a length with a blank in it", cl("2 7")),
		bad("a length with an underscore", cl("2_7")),
		bad("an empty length", cl("")),
		bad("a length in words", cl("all")),
		bad("a length in Arabic digits", cl("٢٧")),
		bad("a length with a NUL", cl("27\x00")),
		bad("a length and a comma", cl("27,")),
		bad("a length beyond 64 bits", cl("18446744073709551643")),
		bad("a length of 400 digits", cl(strings.Repeat("9", 400))),
		bad("a length of minus zero", cl("-0")),
		{name: "a length with blanks around it", send: cl("  27 \t"), status: 200, stores: 1},
		{name: "a length with zeros in front", send: cl("0027"), status: 200, stores: 1},
		{name: "a length of 2^63-1", send: cl("9223372036854775807"), status: 413, code: "body_too_large", ends: true},
		{name: "a length one above the bound", send: cl("16777217"), status: 413, code: "body_too_large", ends: true},
		{name: "less than was told", send: cl("28"), status: 400, code: "invalid_request", ends: true},
		{name: "no length", send: framed("", ""), status: 400, code: "invalid_json"},
		{name: "chunks in pieces", send: framed(chunked, chunks(goodBody[:1], goodBody[1:9], goodBody[9:])), status: 200, stores: 1},
		{name: "chunked in capitals", send: te("CHUNKED"), status: 200, stores: 1},
		bad("identity", te("identity")),
		bad("gzip, chunked", te("gzip, chunked")),
		bad("chunked, gzip", te("chunked, gzip")),
		bad("chunked, identity", te("chunked, identity")),
		bad("chunked twice", te("chunked, chunked")),
		bad("chunked on two lines", framed(chunked+chunked, chunks(goodBody))),
		bad("identity and chunked on two lines", framed("Transfer-Encoding: identity\r\n"+chunked, chunks(goodBody))),
		bad("chunked and identity on two lines", framed(chunked+"Transfer-Encoding: identity\r\n", chunks(goodBody))),
		bad("no coding", te("")),
		bad("xchunked", te("xchunked")),
		bad("chunked in quotes", te(`"chunked"`)),
		bad("chunked with a parameter", te("chunked;q=1")),
		bad("chunked after a vertical tab", te("\vchunked")),
		bad("chunked before a NUL", te("chunked\x00")),
		bad("a blank after Transfer-Encoding", framed("Transfer-Encoding : chunked\r\n", chunks(goodBody))),
		bad("a blank after Content-Length", framed("Content-Length : 27\r\n", goodBody)),
		bad("a tab after Content-Length", framed("Content-Length\t: 27\r\n", goodBody)),
		bad("a blank before Transfer-Encoding", framed("X: y\r\n Transfer-Encoding: chunked\r\n", chunks(goodBody))),
		bad("a folded Transfer-Encoding", framed("Transfer-Encoding:\r\n chunked\r\n", chunks(goodBody))),
		bad("a folded length", framed("Content-Length:\r\n 27\r\n", goodBody)),
		bad("Transfer_Encoding is none", framed("Transfer_Encoding: chunked\r\nContent-Length: 2, 7\r\n", goodBody)),
		bad("a length that is none before a megabyte", cl("x")+strings.Repeat(goodBody, 1<<15)),
		bad("both lengths before a megabyte", framed("Content-Length: 27\r\n"+chunked, chunks(goodBody)+strings.Repeat(goodBody, 1<<15))),
		{name: "chunks for HTTP/1.0", send: strings.Replace(framed(chunked, chunks(goodBody)), "HTTP/1.1", "HTTP/1.0", 1),
			status: 400, code: "invalid_request"},
	})
}

func TestChunks(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked\r\n"
	bad := func(name, body string) row {
		return row{name: name, send: framed(chunked, body), status: 400, code: "invalid_request", ends: true}
	}
	good := func(name, body string) row {
		return row{name: name, send: framed(chunked, body), status: 200, stores: 1}
	}
	const b = goodBody + "\r\n"
	hit(t, []row{
		bad("no size", "\r\n"+b+"0\r\n\r\n"),
		bad("a size in words", "all\r\n"+b+"0\r\n\r\n"),
		bad("a negative size", "-1b\r\n"+b+"0\r\n\r\n"),
		bad("a size with a plus", "+1b\r\n"+b+"0\r\n\r\n"),
		bad("0x in front of a size", "0x1b\r\n"+b+"0\r\n\r\n"),
		bad("a blank before a size", " 1b\r\n"+b+"0\r\n\r\n"),
		bad("an underscore in a size", "1_b\r\n"+b+"0\r\n\r\n"),
		bad("a size of 2^64+27", "1000000000000001b\r\n"+b+"0\r\n\r\n"),
		bad("a size of 2^63", "8000000000000000\r\n"+b+"0\r\n\r\n"),
		bad("a size of 400 digits", strings.Repeat("f", 400)+"\r\n"+b+"0\r\n\r\n"),
		bad("a size too small", "1a\r\n"+b+"0\r\n\r\n"),
		bad("a size too large", "1c\r\n"+b+"0\r\n\r\n"),
		bad("no line end after a chunk", "1b\r\n"+goodBody+"0\r\n\r\n"),
		bad("no last chunk", "1b\r\n"+b),
		bad("half a chunk", "1b\r\n"+goodBody[:9]),
		bad("half a size", "1"),
		bad("CR alone after a size", "1b\r"+b+"0\r\n\r\n"),
		bad("LF alone after a size", "1b\n"+b+"0\r\n\r\n"),
		bad("LF alone after a chunk", "1b\r\n"+goodBody+"\n0\r\n\r\n"),
		bad("NUL after a size", "1b\x00\r\n"+b+"0\r\n\r\n"),
		bad("a chunk after the head's own end", "\r\n\r\n1b\r\n"+b+"0\r\n\r\n"),
		bad("no end after the last chunk", "1b\r\n"+b+"0\r\n"),
		bad("a last chunk and more on its line", "1b\r\n"+b+"0 x\r\n\r\n"),
		bad("a line feed in an extension", "1b;a\n=b\r\n"+b+"0\r\n\r\n"),
		good("zeros in front of a size", "0000001b\r\n"+b+"0\r\n\r\n"),
		good("a size in capitals", "1B\r\n"+b+"0\r\n\r\n"),
		good("a last chunk of many zeros", "1b\r\n"+b+"0000\r\n\r\n"),
		{name: "an extension", send: framed(chunked, "1b;name=value\r\n"+b+"0\r\n\r\n"), status: 200, stores: 1},
		{name: "an extension without a value", send: framed(chunked, "1b;name\r\n"+b+"0;x\r\n\r\n"), status: 200, stores: 1},
		{name: "trailers", send: framed(chunked, "1b\r\n"+b+"0\r\nX-Sum: 1\r\n\r\n"), status: 200, stores: 1},
		{name: "a trailer that would be a length", send: framed(chunked, "1b\r\n"+b+"0\r\nContent-Length: 5\r\n\r\n"),
			status: 400, code: "invalid_request"},
		{name: "a trailer that would be a key", send: framed(chunked, "1b\r\n"+b+"0\r\nIdempotency-Key: k\r\n\r\n"),
			status: 200, stores: 1},
		{name: "an empty body in chunks", send: framed(chunked, "0\r\n\r\n"), status: 400, code: "invalid_json"},
		good("an extension of a megabyte, which nobody keeps", "1b;"+strings.Repeat("a", 1<<20)+"\r\n"+b+"0\r\n\r\n"),
		{name: "a megabyte after a bad chunk", send: framed(chunked, "zz\r\n"+strings.Repeat(b, 1<<15)), status: 400, code: "invalid_request"},
		{name: "trailers without end", send: framed(chunked, "1b\r\n"+b+"0\r\n"+strings.Repeat("A: b\r\n", 1<<18)+"\r\n"),
			status: 400, code: "invalid_request"},
		{name: "chunks of one byte", send: framed(chunked, chunks(strings.Split(goodBody, "")...)), status: 200, stores: 1},
	})
}

// A second request hides where the first one's body should be. It must never be served.
func TestSmuggling(t *testing.T) {
	hidden := with("POST", records, "text/plain", "smuggled")
	body := goodBody + hidden
	const chunked = "Transfer-Encoding: chunked\r\n"
	bad := func(name, send string) row { return row{name: name, send: send, status: 400, code: "invalid_request"} }
	hit(t, []row{
		bad("after the chunks that the length hides", framed("Content-Length: 27\r\n"+chunked, "0\r\n\r\n"+hidden)),
		bad("after the length that the chunks hide", framed(chunked+"Content-Length: 5\r\n", chunks(goodBody)+hidden)),
		bad("after the shorter of two lengths", framed("Content-Length: 27\r\nContent-Length: 300\r\n", body)),
		bad("after the longer of two lengths", framed("Content-Length: 300\r\nContent-Length: 27\r\n", body)),
		bad("after a length that is no number", framed("Content-Length: 27x\r\n", body)),
		bad("after a coding that is none", framed("Transfer-Encoding: identity\r\n", hidden)),
		bad("after a coding that looks like one", framed("Transfer-Encoding: xchunked\r\n", chunks(goodBody)+hidden)),
		bad("after a coding with a NUL", framed("Transfer-Encoding: chunked\x00\r\nContent-Length: 27\r\n", body)),
		bad("after a blank before the colon", framed("Content-Length : 27\r\n", body)),
		bad("after a bad chunk", framed(chunked, "1b\r\n"+goodBody+"\r\nzz\r\n\r\n"+hidden)),
		bad("after a chunk that is longer", framed(chunked, "1a\r\n"+goodBody+"\r\n0\r\n\r\n"+hidden)),
		bad("in an extension's line feed", framed(chunked, "1b;\n"+goodBody+"\r\n0\r\n\r\n"+hidden)),
		bad("in a header's CR", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\rPOST /topics HTTP/1.1\r\n\r\n"+hidden),
		bad("after a length on a GET that is refused", "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"+hidden),
		bad("after HTTP/1.0 with chunks", "POST "+records+" HTTP/1.0\r\nContent-Type: text/plain\r\n"+chunked+"\r\n0\r\n\r\n"+hidden),
		{name: "in the body of a GET", send: with("GET", "/health", "text/plain", hidden), status: 200},
		{name: "in the body of a HEAD", send: with("HEAD", "/health", "text/plain", hidden), status: 200},
		{name: "in the body of a DELETE", send: with("DELETE", "/topics/none", "text/plain", hidden), status: 404, code: "topic_not_found"},
		{name: "in the body of OPTIONS", send: with("OPTIONS", "/topics", "text/plain", hidden), status: 204},
		{name: "in the chunks of a GET", send: "GET /health HTTP/1.1\r\nHost: localhost\r\n" + chunked + "\r\n" + chunks(hidden), status: 200},
		{name: "in the body of an unknown route", send: with("POST", "/nowhere", "text/plain", hidden), status: 404, code: "not_found"},
		{name: "in the body of another method", send: with("PATCH", "/topics", "text/plain", hidden), status: 405, code: "method_not_allowed"},
		{name: "in a body of a refused type", send: with("POST", records, "image/png", hidden), status: 415, code: "unsupported_media_type"},
		{name: "in a body of a refused coding", send: with("POST", records, "text/plain", hidden, "Content-Encoding: br"),
			status: 415, code: "unsupported_media_type"},
		{name: "in a body that is no JSON", send: produce(hidden), status: 400, code: "invalid_json"},
		{name: "in a body for a topic that can't be", send: with("POST", "/topics/__x/records", "text/plain", hidden),
			status: 400, code: "validation_error"},
		{name: "in a body with a foreign origin", send: with("POST", records, "text/plain", hidden, "Origin: http://evil.example"),
			status: 403, code: "origin_not_allowed"},
		{name: "in a body with a foreign host", send: strings.Replace(with("POST", records, "text/plain", hidden),
			"localhost", "evil.example", 1), status: 403, code: "forbidden"},
		{name: "in a body with a bad query", send: with("POST", records+"?partion=0", "text/plain", hidden),
			status: 400, code: "invalid_parameter"},
		{name: "in a body that Accept refuses", send: with("POST", records, "text/plain", hidden, "Accept: image/png"),
			status: 406, code: "not_acceptable"},
		{name: "in a body that is stored", send: with("POST", records, "text/plain", hidden), status: 200, stores: 1},
		{name: "two requests at once", send: produce(goodBody) + get("/topics"), status: 200, more: []int{200}, stores: 1},
		{name: "a refused request and another at once", send: with("POST", records, "image/png", "x") + get("/topics"),
			status: 415, code: "unsupported_media_type", more: []int{200}},
		{name: "more than the length says", send: framed("Content-Length: 27\r\n", goodBody+"garbage\r\n\r\n"),
			status: 200, more: []int{400}, stores: 1},
		{name: "waiting for 100 and hiding", send: framed("Expect: 100-continue\r\nContent-Length: 27\r\n", body),
			status: 200, more: []int{200}, stores: 2},
		{name: "waiting for 100, and not for long enough", send: framed("Expect: 100-continue\r\nContent-Length: 17000000\r\n", ""),
			status: 413, code: "body_too_large", ends: true},
		{name: "waiting for 100 with both lengths", send: framed("Expect: 100-continue\r\nContent-Length: 27\r\n"+chunked, ""),
			status: 400, code: "invalid_request", ends: true},
		{name: "waiting for 100 of chunks", send: framed("Expect: 100-continue\r\n"+chunked, chunks(goodBody)), status: 200, stores: 1},
		{name: "waiting for 100 and for nothing", send: get("/health", "Expect: 100-continue"), status: 200},
		{name: "waiting for 100 with a refused type", send: bodiless("POST", records, "Content-Type: image/png", "Content-Length: 5", "Expect: 100-continue"),
			status: 415, code: "unsupported_media_type", ends: true},
		{name: "a megabyte in a GET", send: with("GET", "/health", "text/plain", strings.Repeat("x", 1<<20)), status: 200},
		{name: "a megabyte in a DELETE", send: with("DELETE", "/topics/none", "text/plain", strings.Repeat("x", 1<<20)), status: 404, code: "topic_not_found"},
		{name: "a megabyte in OPTIONS", send: with("OPTIONS", "/topics", "text/plain", strings.Repeat("x", 1<<20)), status: 204},
		{name: "a megabyte in the chunks of a fetch", send: "GET " + records + " HTTP/1.1\r\nHost: localhost\r\n" + chunked + "\r\n" +
			chunks(strings.Repeat("x", 1<<20)), status: 200},
		{name: "17 megabytes in a GET", send: with("GET", "/topics", "text/plain", strings.Repeat("x", 17<<20)), status: 413, code: "body_too_large"},
		{name: "a thousand requests at once", send: strings.Repeat(get("/health"), 1000), status: 200, more: slices.Repeat([]int{200}, 999)},
		{name: "another expectation", send: framed("Expect: 200-ok\r\nContent-Length: 27\r\n", goodBody), status: 200, stores: 1},
	})
}
