package recordjson_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flashq/http/recordjson"
)

const (
	syntax      = "invalid_json"
	outOfRange  = "validation_error"
	wrong       = "record_validation_error"
	noPartition = "partition_not_found"
)

// fault is the Error that is expected; its message is not.
func fault(code, field string, index int) recordjson.Error {
	return recordjson.Error{Code: code, Field: field, Index: index, MaxSize: -1, ActualSize: -1, Partition: -1}
}

func tooLarge(field string, index, limit, actual int) recordjson.Error {
	e := fault(outOfRange, field, index)
	e.MaxSize, e.ActualSize = limit, actual
	return e
}

func missing(partition int) recordjson.Error {
	e := fault(noPartition, "partition", 1)
	e.Partition = partition
	return e
}

func refused(t *testing.T, body string, target recordjson.Target, lines bool, want recordjson.Error) {
	t.Helper()
	_, err := decode(t, body, target, lines)
	if err == nil {
		t.Errorf("%.100q was taken", body)
		return
	}
	if diff := cmp.Diff(want, *err, cmpopts.IgnoreFields(recordjson.Error{}, "Message")); diff != "" {
		t.Errorf("%.100q: %v (-want +got):\n%s", body, err, diff)
	}
	if err.Message == "" {
		t.Errorf("%.100q: no message", body)
	}
}

// TestRecordRefused has bad records behind a good one, so the index is 1.
func TestRecordRefused(t *testing.T) {
	deep := strings.Repeat("[", 1001) + strings.Repeat("]", 1001)
	for _, c := range []struct {
		json string
		want recordjson.Error
	}{
		// no record at all
		{`[]`, fault(wrong, "", 1)},
		{`"value"`, fault(wrong, "", 1)},
		{`17`, fault(wrong, "", 1)},
		{`null`, fault(wrong, "", 1)},
		{`{}`, fault(wrong, "value", 1)},
		{`{"Value":"a"}`, fault(wrong, "value", 1)},
		{`{"key":"a"}`, fault(wrong, "value", 1)},

		// members that stand twice
		{`{"value":"a","value":"a"}`, fault(wrong, "value", 1)},
		{`{"value":null,"value":null}`, fault(wrong, "value", 1)},
		{`{"value":"a","key":null,"key":"b"}`, fault(wrong, "key", 1)},
		{`{"value":"a","k\u0065y":null,"key":"b"}`, fault(wrong, "key", 1)},
		{`{"value":"a","x":1,"x":2}`, fault(wrong, "x", 1)},
		{`{"value":"a","x":1,"\u0078":2}`, fault(wrong, "x", 1)},
		{`{"value":"a","a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"e":0}`,
			fault(wrong, "e", 1)},
		{`{"value":"a","headers":{"h":"1","h":"1"}}`, fault(wrong, "h", 1)},
		{`{"value":"a","headers":{"h":"1","\u0068":"1"}}`, fault(wrong, "h", 1)},
		{`{"value":"a","headers":[{"key":"h","key":"h","value":"1"}]}`, fault(wrong, "key", 1)},
		{`{"value":"a","headers":[{"key":"h","x":0,"value":"1","x":0}]}`, fault(wrong, "x", 1)},

		// types
		{`{"value":"a","value_base64":"YQ=="}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"YQ==","value":null}`, fault(wrong, "value", 1)},
		{`{"value_base64":null}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":{}}`, fault(wrong, "value_base64", 1)},
		{`{"key":1,"value":"a"}`, fault(wrong, "key", 1)},
		{`{"key":{"a":1},"value":"a"}`, fault(wrong, "key", 1)},
		{`{"key_base64":true,"value":"a"}`, fault(wrong, "key_base64", 1)},
		{`{"key":"a","key_base64":"YQ==","value":"a"}`, fault(wrong, "key_base64", 1)},
		{`{"key_base64":"","key":"","value":"a"}`, fault(wrong, "key", 1)},
		{`{"value":"a","headers":"b"}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":{"b":1}}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":{"b":null}}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":["b"]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":"b"}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"value":"b"}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":null,"value":"b"}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":"b","value":1}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":"b","value_base64":null}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":"b","value":null,"value_base64":"YQ=="}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","headers":[{"key":"b","value_base64":"YQ"}]}`, fault(wrong, "headers", 1)},
		{`{"value":"a","timestamp":true}`, fault(wrong, "timestamp", 1)},
		{`{"value":"a","timestamp":[]}`, fault(wrong, "timestamp", 1)},
		{`{"value":"a","timestamp":1.5}`, fault(wrong, "timestamp", 1)},
		{`{"value":"a","timestamp":1e3}`, fault(wrong, "timestamp", 1)},
		{`{"value":"a","partition":"0"}`, fault(wrong, "partition", 1)},
		{`{"value":"a","partition":0.0}`, fault(wrong, "partition", 1)},
		{`{"value":"a","partition":false}`, fault(wrong, "partition", 1)},

		// base64
		{`{"value_base64":"YQ"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"YQ=a"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"_-7d"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"/+7d\n"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"/+\r\n7d\r\n"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"/+7d\n\n\n\n"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"YR=="}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"/ 7d"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"\n\n\n\n/+7d"}`, fault(wrong, "value_base64", 1)},
		{`{"value_base64":"\r\r\r\r/+7d"}`, fault(wrong, "value_base64", 1)},
		{`{"key_base64":"====","value":"a"}`, fault(wrong, "key_base64", 1)},

		// ranges
		{`{"value":"a","timestamp":-1}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":"1969-12-31T23:59:59.999Z"}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":1736940645124}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":"2025-01-15T11:30:45.124Z"}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":99999999999999999999999}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":-99999999999999999999999}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":"yesterday"}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","timestamp":""}`, fault(outOfRange, "timestamp", 1)},
		{`{"value":"a","partition":-1}`, fault(outOfRange, "partition", 1)},
		{`{"value":"a","partition":1}`, missing(1)},
		{`{"value":"a","partition":99999999999999999999}`, missing(1<<63 - 1)},

		// limits; one byte less is taken, see TestLimits
		{`{"value":"a","key":"` + strings.Repeat("k", 1025) + `"}`, tooLarge("key", 1, 1024, 1025)},
		{`{"value":"a","key_base64":"` + strings.Repeat("AAAA", 342) + `"}`, tooLarge("key", 1, 1024, 1026)},
		{`{"value":"a","key_base64":"` + strings.Repeat("AAAA", 341) + `AAA="}`, tooLarge("key", 1, 1024, 1025)},
		{`{"value":"` + strings.Repeat("v", 1<<20) + `\n"}`, tooLarge("value", 1, 1<<20, 1<<20+1)},
		{`{"value":"` + strings.Repeat(`\u20ac`, 349526) + `"}`, tooLarge("value", 1, 1<<20, 1<<20+2)},
		{`{"value":[` + strings.Repeat("1,", 1<<19) + `1]}`, tooLarge("value", 1, 1<<20, 1<<20+3)},
		{`{"value_base64":"` + strings.Repeat("AAAA", 349526) + `"}`, tooLarge("value", 1, 1<<20, 1<<20+2)},
		{`{"value":"a","headers":{"` + strings.Repeat("h", 1025) + `":""}}`, tooLarge("headers", 1, 1024, 1025)},
		{`{"value":"a","headers":{"h":"` + strings.Repeat("h", 1025) + `"}}`, tooLarge("headers", 1, 1024, 1025)},
		{`{"value":"a","headers":[{"key":"h","value_base64":"` + strings.Repeat("AAAA", 342) + `"}]}`,
			tooLarge("headers", 1, 1024, 1026)},
		{`{"value":"a","headers":[` + strings.Repeat(`{"key":"h","value":"x"},`, 149) + `{"key":"h","value":null}]}`,
			tooLarge("headers", 1, 100, 150)},

		// what is no JSON
		{`{"value":"a`, fault(syntax, "", 1)},
		{`{"value":`, fault(syntax, "", 1)},
		{`{"value"`, fault(syntax, "", 1)},
		{`{"value":"a","x":` + deep + `}`, fault(syntax, "", 1)},
		{`{"value":` + strings.Repeat(`{"a":[`, 500) + `{}` + strings.Repeat(`]}`, 500) + `}`, fault(syntax, "", 1)},
	} {
		refused(t, `{"records":[{"value":1},`+c.json+`]}`, target, false, c.want)
		refused(t, "{\"value\":1}\n\n"+c.json+"\n", target, true, c.want)
	}
}

// TestSyntaxRefused tries each piece of bad JSON in every place where a value may stand.
func TestSyntaxRefused(t *testing.T) {
	bad := []string{
		``, `a`, `'a'`, `nul`, `nulll`, `tru`, `truefalse`, `False`, `NaN`, `+1`, `01`, `-`, `-a`, `1.`, `.5`, `1.e1`,
		`1e`, `1e+`,
		`0x10`, `1 2`, `"a" "b"`, `[1,]`, `[,1]`, `[1 2]`, `[`, `[1`, `]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`,
		`{"a":1 "b":2}`, `{"a" 1}`, `[1}`, `{"a":1]`, `"\q"`, `"\U0041"`, `"\u12"`, `"\u12g4"`, `"\u 123"`, `"\`, `"\"`, `"a`,
		"\"a\x00\"", "\"a\nb\"", "\"a\tb\"", "\"\x1f\"", "\"\\\n\"", "\"\\\x01\"",
		"\"\xff\"", "\"\xc3\"", "\"\xc3\\u00a4\"", "\"\xed\xa0\xbd\xed\xb8\x80\"", "\"\xf4\x90\x80\x80\"",
		"\"\xc0\x80\"", "\xe2\x80\xa8",
		"[\"\xfe\"]", "{\"\xfe\":1}", "\"" + strings.Repeat("long ", 30) + "\\n\xff\"",
		"\"" + strings.Repeat("\\n", 40) + "\x02\"",
		`"\ud800"`, `"\udc00"`, `"\ud800\ud800"`, `"\ud800\u0041"`, `"\ud800 \udc00"`, `"\ud800\n"`,
		`"\ud800\\udc00"`, `"\udc00\ud800"`,
		`"` + strings.Repeat(`\n`, 29) + `\ud800` + `a"`, `"` + strings.Repeat("x", 200) + `\ud83d`,
		"/*c*/1", "\ufeff1", "\x0b1", "\u00a01",
	}
	anything := []string{
		`{"value":%s}`, `{"value":[0,%s]}`, `{"value":{"a":%s}}`, `{"value":1,"x":%s}`, `{"x":[{"a":%s}],"value":1}`,
	}
	typed := []string{
		`{"key":%s,"value":1}`, `{"value_base64":%s}`, `{"value":1,"timestamp":%s}`, `{"value":1,"partition":%s}`,
		`{"value":1,"headers":{"a":%s}}`, `{"value":1,"headers":[{"key":"a","value":""},%s]}`, `{"value":1},%s`,
	}
	for _, v := range bad {
		for _, place := range anything {
			record := strings.Replace(place, "%s", v, 1)
			refused(t, record, target, true, fault(syntax, "", 0))
			refused(t, `{"records":[`+record+`]}`, target, false, fault(syntax, "", 0))
		}
		for _, place := range typed { // where the type may be what is wrong first
			for form, body := range forms(strings.Replace(place, "%s", v, 1)) {
				if _, err := decode(t, body, target, form == "ndjson"); err == nil {
					t.Errorf("%.100q was taken as %s", body, form)
				}
			}
		}
	}
}

// TestCutBodiesRefused: wherever a body is cut, nothing after its end is looked at.
func TestCutBodiesRefused(t *testing.T) {
	const record = `{"x":null,"key":"k\u00e4\n","headers":[{"key":"\ud83d\ude00","value":null}],"value":[true,-0.5E+3,{"":0}]}`
	for form, body := range forms(record) {
		for n := 1; n <= len(body); n++ {
			if _, err := decode(t, body[:n], target, form == "ndjson"); (err != nil) != (n < len(body)) || err != nil && err.Code != syntax {
				t.Errorf("%s: %v", body[:n], err)
			}
		}
	}
}

// TestErrorsNameTheByte at which JSON ends to be JSON, be it far into a string.
func TestErrorsNameTheByte(t *testing.T) {
	for _, start := range []string{"", "a", strings.Repeat("long ", 30)} {
		for _, bad := range []string{"\x01", `\q`, `\u12g4`, `\ud800 `} {
			before := `{"records":[{"value":"` + start
			_, err := decode(t, before+bad+`"}]}`, target, false)
			if err == nil || !strings.Contains(err.Message, fmt.Sprintf("at byte %d: ", len(before))) {
				t.Errorf("%q after %d bytes: %v", bad, len(before), err)
			}
		}
	}
}

func TestDocumentRefused(t *testing.T) {
	tooMany := `{"records":[` + strings.Repeat(`{"value":1},`, 1499) + `{"valeu":1}]}`
	for _, c := range []struct {
		body string
		want recordjson.Error
	}{
		{``, fault(syntax, "", -1)},
		{" \n", fault(syntax, "", -1)},
		{"\ufeff{\"records\":[{\"value\":1}]}", fault(syntax, "", -1)},
		{`records`, fault(syntax, "", -1)},
		{`[{"value":1}]`, fault(wrong, "", -1)},
		{`"records"`, fault(wrong, "", -1)},
		{`{}`, fault(wrong, "records", -1)},
		{`{"value":1}`, fault(wrong, "records", -1)},
		{`{"Records":[{"value":1}]}`, fault(wrong, "records", -1)},
		{`{"records":null}`, fault(wrong, "records", -1)},
		{`{"records":{"value":1}}`, fault(wrong, "records", -1)},
		{`{"records":{"value":1,}}`, fault(syntax, "", -1)},
		{`{"records":[]}`, fault(outOfRange, "records", -1)},
		{`{"records":[{"value":1}],"records":[{"value":1}]}`, fault(wrong, "records", -1)},
		{`{"records":[{"value":1}],"x":1,"x":1}`, fault(wrong, "x", -1)},
		{`{"x\u0061":1,"records":[{"\u0079\u0079":0,"value":1},{"\u0079\u0079":0,"value":1}],"xa":1}`,
			fault(wrong, "xa", -1)},
		{`{"records":[{"value":1}]}{}`, fault(syntax, "", -1)},
		{`{"records":[{"value":1}]} x`, fault(syntax, "", -1)},
		{"{\"records\":[{\"value\":1}]}\x00", fault(syntax, "", -1)},
		{`{"records":[{"value":1}],}`, fault(syntax, "", -1)},
		{`{"records":[{"value":1},]}`, fault(syntax, "", 1)},
		{`{"records":[{"value":1}`, fault(syntax, "", 0)},
		{`{"records":[{"value":1},{"value":2},{"value":3,}]}`, fault(syntax, "", 2)},
		{`{"records":[{"value":1},{},{"value":2,}]}`, fault(wrong, "value", 1)},
		{tooMany, tooLarge("records", -1, 1000, 1500)},
		{strings.Replace(tooMany, "valeu", "value\n", 1), fault(syntax, "", 1499)},
	} {
		refused(t, c.body, target, false, c.want)
	}
}

func TestLinesRefused(t *testing.T) {
	for _, c := range []struct {
		body string
		want recordjson.Error
	}{
		{"", fault(outOfRange, "records", -1)},
		{"\n \r\n\t\n", fault(outOfRange, "records", -1)},
		{"\ufeff{\"value\":1}", fault(syntax, "", 0)},
		{"{\"value\":1}\n[1]\n", fault(wrong, "", 1)},
		{"{\"value\":1}\n[1\n", fault(syntax, "", 1)},
		{"{\"value\":\n1}\n", fault(syntax, "", 0)},
		{"{\"value\":1\n}\n", fault(syntax, "", 0)},
		{"{\"value\":[1,\n2]}\n", fault(syntax, "", 0)},
		{"{\"value\":1},\n", fault(syntax, "", 0)},
		{"{\"value\":1}\n{\"value\":2} x\n", fault(syntax, "", 1)},
		{"{\"value\":1}\n\n{\"value\":2}\n{}\n{", fault(wrong, "value", 2)},
		{"{\"value\":1}\x0b\n", fault(syntax, "", 0)},
		{"{\"value\":1}\n\x00", fault(syntax, "", 1)},
	} {
		refused(t, c.body, target, true, c.want)
	}
}

// TestSecondValueOnALine is what curl -d makes of lines.
func TestSecondValueOnALine(t *testing.T) {
	for _, body := range []string{
		`{"value":1}{"value":2}`, `{"value":1} {"value":2}`, "{\"value\":1}\r{\"value\":2}", `{"value":1}"a"`, `{"value":1}7`,
	} {
		_, err := decode(t, body, target, true)
		if err == nil || err.Code != syntax || !strings.Contains(err.Message, "--data-binary") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestLimits: exactly as much as is allowed is taken, and zero limits are none.
func TestLimits(t *testing.T) {
	var list strings.Builder
	for i := range 100 {
		fmt.Fprintf(&list, `"%s%03d":"%s",`, strings.Repeat(`\u00e4`, 510), i, strings.Repeat("v", 1024))
	}
	most := `{"key":"` + strings.Repeat(`\n`, 1024) + `","value":"` + strings.Repeat("v", 1<<20) + `","headers":{` +
		strings.TrimSuffix(list.String(), ",") + `}}`
	got, err := decode(t, most, target, true)
	if err != nil {
		t.Fatal(err)
	}
	r := got[0]
	if len(r.Key) != 1024 || len(r.Value) != 1<<20 || len(r.Headers) != 100 || len(r.Headers[99].Key) != 1023 {
		t.Errorf("key %d, value %d, headers %d", len(r.Key), len(r.Value), len(r.Headers))
	}
	coded := `{"key_base64":"` + strings.Repeat("AAAA", 341) + `AA==","value_base64":"` + strings.Repeat("AAAA", 349525) + `AA=="}`
	if got, err := decode(t, coded, target, true); err != nil || len(got[0].Key) != 1024 || len(got[0].Value) != 1<<20 {
		t.Errorf("base64 of the largest key and value: %v", err)
	}
	full := `{"records":[` + strings.Repeat(`{"value":1},`, 999) + `{"value":1}]}`
	if got, err := decode(t, full, target, false); err != nil || len(got) != 1000 {
		t.Errorf("as many records as are allowed: %d, %v", len(got), err)
	}
	more := `{"records":[` + strings.Repeat(`{"value":1},`, 1200) +
		`{"key":"` + strings.Repeat("k", 5000) + `","value":1}]}`
	unlimited := target
	unlimited.Limits = recordjson.Limits{}
	if got, err := decode(t, more, unlimited, false); err != nil || len(got) != 1201 {
		t.Errorf("without limits: %d records, %v", len(got), err)
	}
}

// TestDepth: a thousand levels are read, and need no stack.
func TestDepth(t *testing.T) {
	deep := strings.Repeat(`[{"a":`, 500) + "1" + strings.Repeat(`}]`, 500)
	got, err := decode(t, `{"x":`+deep+`,"value":`+deep+`}`, target, true)
	if err != nil || string(got[0].Value) != deep {
		t.Errorf("%v", err)
	}
	refused(t, `{"value":`+strings.Repeat("[", 1<<20), target, true, fault(syntax, "", 0))
}

// TestMessagesAreShort, although the names in them are a stranger's.
func TestMessagesAreShort(t *testing.T) {
	for _, size := range []int{64, 65} {
		name := strings.Repeat("n", size)
		_, err := decode(t, `{"`+name+`":1,"`+name+`":2,"value":1}`, target, true)
		if err == nil || (err.Field == name) != (size == 64) {
			t.Errorf("a name of %d bytes: %v", size, err)
		}
	}
	name := strings.Repeat("ä", 5000)
	_, err := decode(t, `{"`+name+`":1,"`+name+`":2,"value":1}`, target, true)
	if err == nil || len(err.Message) > 200 || !strings.HasPrefix(name, strings.TrimSuffix(err.Field, "...")) {
		t.Errorf("%v", err)
	}
}
