package hostile

import (
	"strings"
	"testing"
)

// JSON is read strictly: what two readers would understand in two ways is not stored at all.
func TestRecordsThatAreNoJSON(t *testing.T) {
	bad := func(name, body string) row {
		return row{name: name, send: produce(body), status: 400, code: "invalid_json"}
	}
	value := func(v string) string { return `{"records":[{"value":` + v + `}]}` }
	hit(t, []row{
		bad("nothing", " "),
		bad("cut off in a name", `{"rec`),
		bad("cut off in a value", `{"records":[{"value":"x`),
		bad("cut off before the end", `{"records":[{"value":"x"}]`),
		bad("cut off in an escape", `{"records":[{"value":"x\`),
		bad("cut off in a \\u", `{"records":[{"value":"\u00`),
		bad("more after the end", goodBody+"x"),
		bad("two bodies", goodBody+goodBody),
		bad("a comma too much in a list", `{"records":[{"value":"x"},]}`),
		bad("a comma too much in an object", `{"records":[{"value":"x",}]}`),
		bad("a comma first", `{,"records":[{"value":"x"}]}`),
		bad("no comma", `{"records":[{"value":"x"}{"value":"y"}]}`),
		bad("no colon", `{"records"[{"value":"x"}]}`),
		bad("single quotes", `{'records':[{'value':'x'}]}`),
		bad("no quotes", `{records:[{value:"x"}]}`),
		bad("a comment", `{"records":[/* x */{"value":"x"}]}`),
		bad("a comment to the line's end", "{\"records\":[{\"value\":\"x\"}]} // x"),
		bad("a byte order mark", "\xef\xbb\xbf"+goodBody),
		bad("UTF-16", "\xff\xfe{\x00\"\x00r\x00"),
		bad("NUL after the end", goodBody+"\x00"),
		bad("NUL in a string", value("\"a\x00b\"")),
		bad("a line feed in a string", value("\"a\nb\"")),
		bad("a tab in a string", value("\"a\tb\"")),
		bad("a control character between", "{\"records\":\x01[{\"value\":\"x\"}]}"),
		bad("a no-break space between", "{\"records\":\u00a0[{\"value\":\"x\"}]}"),
		bad("a vertical tab between", "{\"records\":\v[{\"value\":\"x\"}]}"),
		bad("an escape that is none", value(`"\x41"`)),
		bad("an escaped quote's half", value(`"\'"`)),
		bad("a \\u of three digits", value(`"\u041"`)),
		bad("a \\u with a sign", value(`"\u+041"`)),
		bad("half a surrogate pair", value(`"\ud83d"`)),
		bad("the other half", value(`"\ude00"`)),
		bad("a pair turned around", value(`"\ude00\ud83d"`)),
		bad("half a pair, then a letter", value(`"\ud83d\u0041"`)),
		bad("half a pair in a key", `{"records":[{"key":"\ud83d","value":"x"}]}`),
		bad("half a pair in a header's name", `{"records":[{"value":"x","headers":{"\ud83d":"a"}}]}`),
		bad("half a pair in a value's JSON", value(`{"a":"\ud83d"}`)),
		bad("a byte that is no UTF-8", value("\"\xff\"")),
		bad("a cut UTF-8 sequence", value("\"\xe2\x82\"")),
		bad("an overlong slash", value("\"\xc0\xaf\"")),
		bad("an overlong NUL", value("\"\xc0\x80\"")),
		bad("a surrogate in UTF-8", value("\"\xed\xa0\xbd\"")),
		bad("beyond U+10FFFF", value("\"\xf4\x90\x80\x80\"")),
		bad("Latin-1 in a key", "{\"records\":[{\"key\":\"caf\xe9\",\"value\":\"x\"}]}"),
		bad("NaN", value("NaN")),
		bad("Infinity", value("Infinity")),
		bad("minus Infinity", value("-Infinity")),
		bad("a plus", value("+1")),
		bad("a minus alone", value("-")),
		bad("a point alone", value(".5")),
		bad("nothing after the point", value("5.")),
		bad("a zero in front", value("01")),
		bad("a hexadecimal number", value("0x10")),
		bad("nothing after the exponent", value("1e")),
		bad("an underscore in a number", value("1_000")),
		bad("True", value("True")),
		bad("nul", value("nul")),
		bad("undefined", value("undefined")),
		bad("nested beyond all measure", value(strings.Repeat("[", 1<<20))),
		bad("nested beyond all measure, and closed", value(strings.Repeat("[", 5000)+strings.Repeat("]", 5000))),
		bad("objects beyond all measure", value(strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000))),
		bad("a list that closes as an object", value("[1}")),
		bad("a body of braces", strings.Repeat("{", 1<<20)),
		bad("a megabyte of backslashes in a string", `{"records":[{"value":"`+strings.Repeat(`\\`, 1<<19)),
	})
}

func TestRecordsThatAreNoRecords(t *testing.T) {
	bad := func(name, body string, status int, code string) row {
		return row{name: name, send: produce(body), status: status, code: code}
	}
	const record, member = "record_validation_error", "validation_error"
	one := func(r string) string { return `{"records":[` + r + `]}` }
	rows := []row{
		bad("a list", `[]`, 422, record),
		bad("a string", `"records"`, 422, record),
		bad("null", `null`, 422, record),
		bad("a number", `1`, 422, record),
		bad("no records", `{}`, 422, record),
		bad("records that are null", `{"records":null}`, 422, record),
		bad("records that are an object", `{"records":{}}`, 422, record),
		bad("records in capitals", `{"RECORDS":[{"value":"x"}]}`, 400, member),
		bad("a member that nobody knows", `{"records":[{"value":"x"}],"topic":"other"}`, 400, member),
		bad("records twice", `{"records":[{"value":"x"}],"records":[{"value":"y"}]}`, 422, record),
		bad("records twice, once escaped", `{"records":[{"value":"x"}],"\u0072ecords":[{"value":"y"}]}`, 422, record),
		bad("records and __proto__", `{"__proto__":{},"records":[{"value":"x"}]}`, 400, member),
		bad("an empty list", `{"records":[]}`, 400, member),
		bad("1001 records", one(strings.Repeat(`{"value":"x"},`, 1000)+`{"value":"x"}`), 400, member),
		bad("a record that is a list", one(`[]`), 422, record),
		bad("a record that is null", one(`null`), 422, record),
		bad("a record that is text", one(`"x"`), 422, record),
		bad("a record of nothing", one(`{}`), 422, record),
		bad("a good record and a bad one", one(`{"value":"x"},{}`), 422, record),
		bad("a value twice", one(`{"value":"x","value":"y"}`), 422, record),
		bad("a value twice, once escaped", one(`{"value":"x","v\u0061lue":"y"}`), 422, record),
		bad("a value and its bytes", one(`{"value":"x","value_base64":"eA=="}`), 422, record),
		bad("a value in capitals", one(`{"Value":"x"}`), 422, record),
		bad("a value with a NUL in its name", one(`{"value\u0000":"x"}`), 422, record),
		bad("a key that is a number", one(`{"key":1,"value":"x"}`), 422, record),
		bad("a key and its bytes", one(`{"key":"k","key_base64":"aw==","value":"x"}`), 422, record),
		bad("bytes that are no base64", one(`{"value_base64":"?"}`), 422, record),
		bad("bytes of another base64", one(`{"value_base64":"_w=="}`), 422, record),
		bad("bytes with no end", one(`{"value_base64":"/w"}`), 422, record),
		bad("bytes with a line feed", one(`{"value_base64":"/w\n=="}`), 422, record),
		bad("bytes that are a number", one(`{"value_base64":1}`), 422, record),
		bad("headers that are a number", one(`{"value":"x","headers":1}`), 422, record),
		bad("a header that is a number", one(`{"value":"x","headers":{"a":1}}`), 422, record),
		bad("a header twice", one(`{"value":"x","headers":{"a":"1","a":"2"}}`), 422, record),
		bad("a header without a name", one(`{"value":"x","headers":[{"value":"x"}]}`), 422, record),
		bad("a header with two values", one(`{"value":"x","headers":[{"key":"a","value":"x","value_base64":"eA=="}]}`), 422, record),
		bad("101 headers", one(`{"value":"x","headers":[`+strings.Repeat(`{"key":"a","value":""},`, 100)+`{"key":"a","value":""}]}`), 400, member),
		bad("a partition in words", one(`{"value":"x","partition":"0"}`), 422, record),
		bad("half a partition", one(`{"value":"x","partition":0.5}`), 422, record),
		bad("a partition with an exponent", one(`{"value":"x","partition":1e0}`), 422, record),
		bad("a partition below 0", one(`{"value":"x","partition":-1}`), 400, member),
		bad("a partition that is not there", one(`{"value":"x","partition":2}`), 404, "partition_not_found"),
		bad("a partition beyond 32 bits", one(`{"value":"x","partition":4294967296}`), 404, "partition_not_found"),
		bad("a partition beyond 64 bits", one(`{"value":"x","partition":18446744073709551616}`), 404, "partition_not_found"),
		bad("a time that is a list", one(`{"value":"x","timestamp":[]}`), 422, record),
		bad("a time in words", one(`{"value":"x","timestamp":"soon"}`), 400, member),
		bad("the 30th of February", one(`{"value":"x","timestamp":"2026-02-30T00:00:00Z"}`), 400, member),
		bad("the year 9999", one(`{"value":"x","timestamp":"9999-12-31T23:59:59Z"}`), 400, member),
		bad("a time beyond 64 bits", one(`{"value":"x","timestamp":18446744073709551616}`), 400, member),
		bad("a time of a million digits", one(`{"value":"x","timestamp":`+strings.Repeat("9", 1<<20)+`}`), 400, member),
		bad("an exponent for a time", one(`{"value":"x","timestamp":1e3}`), 422, record),
		{name: "a value of every kind", send: produce(one(`{"value":"\ud83d\ude00\u0000"},{"value":null},{"value":-0},{"value":1e999},` +
			`{"value":[[]]},{"value":{"a":1,"a":2}}`)), status: 200, stores: 6},
		{name: "a number of a megabyte", send: produce(one(`{"value":1` + strings.Repeat("0", 1<<20-1) + `}`)), status: 200, stores: 1},
	}
	hit(t, rows)
}

func TestLines(t *testing.T) {
	bad := func(name, body string, status int, code string) row {
		return row{name: name, send: with("POST", records, typeLines, body), status: status, code: code}
	}
	hit(t, []row{
		bad("no line", "", 400, "validation_error"),
		bad("blank lines", "\n\n \r\n", 400, "validation_error"),
		bad("two records on a line", `{"value":"x"}{"value":"y"}`, 400, "invalid_json"),
		bad("a record over two lines", "{\"value\":\n\"x\"}", 400, "invalid_json"),
		bad("a good line and half a one", "{\"value\":\"x\"}\n{\"val", 400, "invalid_json"),
		bad("a list of records", `[{"value":"x"}]`, 422, "record_validation_error"),
		bad("a body of JSON", goodBody, 422, "record_validation_error"),
		bad("a CR between lines", "{\"value\":\"x\"}\r{\"value\":\"y\"}", 400, "invalid_json"),
		bad("a form feed between lines", "{\"value\":\"x\"}\f\n{\"value\":\"y\"}", 400, "invalid_json"),
		bad("NUL between lines", "{\"value\":\"x\"}\n\x00\n{\"value\":\"y\"}", 400, "invalid_json"),
		bad("a separator of RFC 7464", "\x1e{\"value\":\"x\"}\n", 400, "invalid_json"),
		{name: "CRLF and no last one", send: with("POST", records, typeLines, "{\"value\":\"x\"}\r\n\r\n{\"value\":\"y\"}"), status: 200, stores: 2},
	})
}

// Bodies that are small objects.
func TestObjects(t *testing.T) {
	bad := func(name, method, target, body string, status int, code string) row {
		return row{name: name, send: with(method, target, typeJSON, body), status: status, code: code}
	}
	const commits, member, joins, v = "/groups/g/offsets", "validation_error", "/groups/g/members/m", "invalid_json"
	commit := func(name, body string, status int, code string) row {
		return bad(name, "POST", commits, body, status, code)
	}
	hit(t, []row{
		bad("a topic of a list", "PUT", "/topics/made", `[]`, 422, member),
		bad("a topic of half a body", "PUT", "/topics/made", `{"partitions":`, 400, v),
		bad("a topic of two bodies", "PUT", "/topics/made", `{}{}`, 400, v),
		bad("a topic with a typo", "PUT", "/topics/made", `{"partition":3}`, 400, member),
		bad("partitions twice", "PUT", "/topics/made", `{"partitions":3,"partitions":4}`, 422, member),
		bad("no partitions", "PUT", "/topics/made", `{"partitions":0}`, 400, member),
		bad("minus one partitions", "PUT", "/topics/made", `{"partitions":-1}`, 400, member),
		bad("257 partitions", "PUT", "/topics/made", `{"partitions":257}`, 400, member),
		bad("partitions beyond 64 bits", "PUT", "/topics/made", `{"partitions":99999999999999999999}`, 400, member),
		bad("partitions in words", "PUT", "/topics/made", `{"partitions":"3"}`, 422, member),
		bad("a third of a partition", "PUT", "/topics/made", `{"partitions":3.0}`, 422, member),
		bad("an exponent for partitions", "PUT", "/topics/made", `{"partitions":3e0}`, 422, member),
		bad("no time at all", "PUT", "/topics/made", `{"retention_ms":0}`, 400, member),
		bad("retention of minus two", "PUT", "/topics/made", `{"retention_bytes":-2}`, 400, member),
		bad("a segment of one byte", "PUT", "/topics/made", `{"segment_bytes":1}`, 400, member),
		bad("other partitions than before", "PUT", "/topics/news", `{"partitions":3}`, 409, "partitions_immutable"),
		bad("101 members", "PUT", "/topics/made", `{`+names(101)+`}`, 422, member),
		bad("a member's name of 60 KB", "PUT", "/topics/made", `{"`+strings.Repeat("x", 60<<10)+`":1}`, 400, member),
		bad("nested beyond all measure", "PUT", "/topics/made", `{"partitions":`+strings.Repeat("[", 60<<10)+`}`, 400, v),
		bad("nested deeply, and closed", "PUT", "/topics/made", `{"partitions":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}`, 422, member),
		bad("a start that is none", "PUT", "/groups/made", `{"start":"middle"}`, 400, member),
		bad("a start that is null", "PUT", "/groups/made", `{"start":null}`, 422, member),
		bad("half a pair in a start", "PUT", "/groups/made", `{"start":"\ud83d"}`, 400, v),
		bad("topics that are one", "PUT", joins, `{"topics":"news"}`, 422, member),
		bad("no topic", "PUT", joins, `{"topics":[]}`, 400, member),
		bad("101 topics", "PUT", joins, `{"topics":[`+strings.Repeat(`"news",`, 100)+`"news"]}`, 400, member),
		bad("a topic that can't be", "PUT", joins, `{"topics":["../etc"]}`, 400, member),
		bad("a topic that is reserved", "PUT", joins, `{"topics":["__consumer_offsets"]}`, 400, member),
		bad("a lease of no time", "PUT", joins, `{"topics":["news"],"session_ms":0}`, 400, member),
		bad("a lease of a day", "PUT", joins, `{"topics":["news"],"session_ms":86400000}`, 400, member),
		commit("no offsets", `{}`, 422, member),
		commit("offsets that are none", `{"offsets":[]}`, 400, member),
		commit("an offset that is a list", `{"offsets":[[]]}`, 422, member),
		commit("an offset below 0", `{"offsets":[{"topic":"news","partition":0,"offset":-1}]}`, 400, "invalid_offset"),
		commit("an offset beyond the end", `{"offsets":[{"topic":"news","partition":0,"offset":1000}]}`, 400, "invalid_offset"),
		commit("an offset of 2^63", `{"offsets":[{"topic":"news","partition":0,"offset":9223372036854775808}]}`, 400, "invalid_offset"),
		commit("an offset of 60 digits", `{"offsets":[{"topic":"news","partition":0,"offset":`+strings.Repeat("9", 60)+`}]}`, 400, "invalid_offset"),
		commit("an offset in words", `{"offsets":[{"topic":"news","partition":0,"offset":"2"}]}`, 422, member),
		commit("an offset and a time", `{"offsets":[{"topic":"news","partition":0,"offset":2,"at":"latest"}]}`, 422, member),
		commit("a topic that is not there", `{"offsets":[{"topic":"none","offset":0}]}`, 404, "topic_not_found"),
		commit("a partition that is not there", `{"offsets":[{"topic":"news","partition":2,"offset":0}]}`, 404, "partition_not_found"),
		commit("a good item and a bad one", `{"offsets":[{"topic":"news","partition":0,"offset":2},{"topic":"news","partition":1,"offset":9}]}`,
			400, "invalid_offset"),
		commit("the same partition twice", `{"offsets":[{"topic":"news","partition":0,"offset":2},{"topic":"news","partition":0,"offset":0}]}`, 400, member),
		commit("a time without a unit", `{"offsets":[{"topic":"news","at":-5}]}`, 400, member),
		commit("metadata of 1025 letters", `{"offsets":[{"topic":"news","offset":0,"metadata":"`+strings.Repeat("ü", 1025)+`"}]}`, 400, member),
		commit("half a pair in metadata", `{"offsets":[{"topic":"news","offset":0,"metadata":"\ud83d"}]}`, 400, v),
		commit("10001 items", `{"offsets":[`+strings.Repeat(`1,`, 10000)+`1]}`, 400, member),
		commit("a member without a generation", `{"member":"m","offsets":[{"topic":"news","offset":0}]}`, 422, member),
		commit("a member that is none", `{"member":"m","generation":0,"offsets":[{"topic":"news","offset":0}]}`, 409, "fenced"),
		commit("a generation beyond 32 bits", `{"member":"m","generation":4294967296,"offsets":[{"topic":"news","offset":0}]}`, 400, member),
		bad("an alias with a list", "POST", "/consumer/made", `[]`, 422, member),
		bad("an alias that commits nothing", "POST", "/consumer/g/topic/news/offset", `{}`, 422, member),
		bad("an alias beyond the end", "POST", "/consumer/g/topic/news/offset", `{"offset":1000}`, 400, "invalid_offset"),
	})
}

// names are members of an object.
func names(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = `"` + strings.Repeat("m", i+1) + `":1`
	}
	return strings.Join(all, ",")
}
