package recordjson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/http/recordjson"
)

// What is not known is refused, since a typo would lose what it was meant to say.
func TestUnknownMembersAreRefused(t *testing.T) {
	strict := recordjson.Target{Partitions: 2, Partition: -1, Now: now}
	for body, want := range map[string]struct{ code, field, says string }{
		`{"records":[{"value":"a","header":{"a":"b"}}]}`: {"record_validation_error", "header", "did you mean 'headers'?"},
		`{"records":[{"value":"a","Key":"b"}]}`:          {"record_validation_error", "Key", "did you mean 'key'?"},
		`{"records":[{"value":"a","zebra":{"x":[1]}}]}`:  {"record_validation_error", "zebra", `no member "zebra"`},
		`{"records":[{"value":"a","headers":[{"key":"a","value":"b","extra":1}]}]}`: {
			"record_validation_error", "extra", "a listed header"},
		`{"record":[{"value":"a"}]}`:                         {"validation_error", "record", "did you mean 'records'?"},
		`{"records":[{"value":"a"}],"partition":3}`:          {"validation_error", "partition", "the body has no member"},
		`{"records":[{"value":"a","x":nul}]}`:                {"invalid_json", "", "invalid JSON"},
		`{"records":[{"value":"a","offset":"7"}]}`:           {"record_validation_error", "offset", "integer"},
		`{"records":[{"value":"a","value_text":"b"}]}`:       {"record_validation_error", "value_text", "only one of"},
		`{"records":[{"value_text":"a","value_base64":""}]}`: {"record_validation_error", "value_base64", "only one of"},
		`{"records":[{"value_text":7}]}`:                     {"record_validation_error", "value_text", "must be a string"},
	} {
		_, err := decode(t, body, strict, false)
		var e *recordjson.Error
		if !errors.As(err, &e) || e.Code != want.code || e.Field != want.field || !strings.Contains(e.Message, want.says) {
			t.Errorf("%s: %+v", body, e)
		}
	}
}

// What an answer shows of a record can be sent again as it is.
func TestAFetchedRecordCanBeSentAgain(t *testing.T) {
	body := `{"records":[{"partition":0,"offset":14,"timestamp":"2025-01-15T10:30:45.123Z","key":"u1","value_text":"x\n",` +
		`"headers":[{"key_base64":"/w==","value_base64":"AA=="},{"key":"a","value":null}]},` +
		`{"offset":-1,"key":null,"value":null,"headers":null}]}`
	got, err := decode(t, body, recordjson.Target{Partitions: 1, Partition: -1, Now: now}, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []record{
		{Timestamp: 1736937045123, Key: []byte("u1"), Value: []byte("x\n"), Headers: headers("\xff", "\x00", "a", "")},
		{Timestamp: now},
	}
	want[0].Headers[1].Value = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Among many members that mean nothing none may stand twice either, be it the first by name.
func TestManyUnknownMembersStandOnce(t *testing.T) {
	var members strings.Builder
	for _, name := range strings.Split("p o n m l k j i h g f e d c b a", " ") {
		members.WriteString(`"` + name + `":0,`)
	}
	lenient := recordjson.Target{Partitions: 1, Partition: -1, Now: now, Lenient: true}
	if _, err := decode(t, `{`+members.String()+`"value":1}`, lenient, true); err != nil {
		t.Error(err)
	}
	for _, twice := range []string{"a", "h", "p"} {
		_, err := decode(t, `{`+members.String()+`"value":1,"`+twice+`":1}`, lenient, true)
		if err == nil || err.Field != twice {
			t.Errorf("%s twice: %v", twice, err)
		}
	}
}

// In NDJSON an error names the line, as an editor counts them: blank ones too.
func TestErrorsNameTheLine(t *testing.T) {
	strict := recordjson.Target{Partitions: 1, Partition: -1, Now: now}
	for body, says := range map[string]string{
		"{\"valu\":1}\n": "line 1: a record has no member",
		"{\"value\":1}\n\n\n{\"value\":1}\r\n{\"valu\":1}\n": "line 5: a record has no member",
		"{\"value\":1}\n{\"value\":\"cut\n{\"value\":1}\n":   "line 2: invalid JSON at byte 25: the line ends within a string",
		"{\"value\":1}\n{\"value\":1\n":                      "the line ends where a comma or } should be",
		"\xef\xbb\xbf{\"value\":1}\n":                        "a byte order mark is not allowed",
		"{'value':1}\n":                                      "JSON needs double quotes; in a shell: -d '{\"a\":1}'",
	} {
		_, err := decode(t, body, strict, true)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// In a JSON document it names the record, as programs count them, or nothing where it is about the body.
func TestErrorsNameTheRecord(t *testing.T) {
	strict := recordjson.Target{Partitions: 1, Partition: -1, Now: now}
	for body, says := range map[string]string{
		`{"records":[{"valu":1}]}`:             "record 0: a record has no member",
		`{"records":[{"value":1},{"valu":1}]}`: "record 1: a record has no member",
		`{"records":[]}`:                       "the body has no record",
		``:                                     "invalid JSON at byte 0: the body is empty",
	} {
		_, err := decode(t, body, strict, false)
		if err == nil || !strings.HasPrefix(err.Message, says) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestADateIsItsMidnight(t *testing.T) {
	for text, want := range map[string]int64{"2026-01-15": 1768435200000, "1970-01-01": 0, "2024-02-29": 1709164800000} {
		if got, ok := recordjson.ParseTime([]byte(text), now); !ok || got != want {
			t.Errorf("%s: %d %v", text, got, ok)
		}
	}
	for _, text := range []string{"2026-13-01", "2026-02-29", "2026-1-15", "2026-01-15T", "202-601-15"} {
		if got, ok := recordjson.ParseTime([]byte(text), now); ok {
			t.Errorf("%s was taken as %d", text, got)
		}
	}
}
