package recordjson_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/segment/batch"
)

// TestRecord shows what one record object becomes, alone on a line and in a document alike.
func TestRecord(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for _, c := range []struct {
		name, json string
		want       record
	}{
		{"string", `{"value":"Hello"}`, record{Value: []byte("Hello")}},
		{"empty string", `{"value":""}`, record{Value: []byte{}}},
		{"tombstone", `{"key":"a","value":null}`, record{Key: []byte("a")}},
		{"everything",
			`{"key":"user123","value":"Hello","headers":{"source":"auth"},"partition":0,"timestamp":"2025-01-15T10:30:45.122Z"}`,
			record{Timestamp: now - 1, Key: []byte("user123"), Value: []byte("Hello"), Headers: headers("source", "auth")}},
		{"white space", " \t\r{ \"key\" : \"a\" ,\t\"value\" : \"b\" , \"headers\" : { \"c\" : \"d\" } } \r",
			record{Key: []byte("a"), Value: []byte("b"), Headers: headers("c", "d")}},
		{"all nulls", `{"key":null,"key_base64":null,"value":"a","headers":null,"partition":null,"timestamp":null}`,
			record{Value: []byte("a")}},
		{"empty key is a key", `{"key":"","value":"a"}`, record{Key: []byte{}, Value: []byte("a")}},
		{"empty key in base64", `{"key_base64":"","value":"a"}`, record{Key: []byte{}, Value: []byte("a")}},

		{"object as it stands", `{"value": {"a" : [1, 2.50, {"b":"\u00e4\/"}], "a":1}}`,
			record{Value: []byte(`{"a" : [1, 2.50, {"b":"\u00e4\/"}], "a":1}`)}},
		{"array as it stands", `{"value":[ ]}`, record{Value: []byte(`[ ]`)}},
		{"number as it stands", `{"value": -1.50e+02 }`, record{Value: []byte(`-1.50e+02`)}},
		{"capital exponent", `{"value":0E-0}`, record{Value: []byte(`0E-0`)}},
		{"an array where an object was", `{"value":[{"a":{}},[1,[2],{"b":[0]}],{}]}`,
			record{Value: []byte(`[{"a":{}},[1,[2],{"b":[0]}],{}]`)}},
		{"true", `{"value":true}`, record{Value: []byte(`true`)}},
		{"false", `{"value":false}`, record{Value: []byte(`false`)}},

		{"all escapes", `{"value":"\"\\\/\b\f\n\r\t\u0000\u00e4\u20ac\ud83d\ude00\uD83D\uDE00"}`,
			record{Value: []byte("\"\\/\b\f\n\r\t\x00ä€😀😀")}},
		{"UTF-8 as it stands", `{"value":"ä€😀 und ein langer Satz mit Umlauten: äöüß, sonst nichts"}`,
			record{Value: []byte("ä€😀 und ein langer Satz mit Umlauten: äöüß, sonst nichts")}},
		{"JSON in a string", `{"value":"{\"a\":\"b\\\\c\\\"d\",\"e\":17}"}`, record{Value: []byte(`{"a":"b\\c\"d","e":17}`)}},
		{"escapes after a long run", `{"value":"` + long + `\n` + long + `\""}`,
			record{Value: []byte(long + "\n" + long + `"`)}},
		{"escapes in short strings", `{"key":"a\tb","value":"c","headers":{"d\u00e4":"e\\f"}}`,
			record{Key: []byte("a\tb"), Value: []byte("c"), Headers: headers("dä", `e\f`)}},
		{"names with escapes", `{"\u006bey":"a","v\u0061lue":"b","x\u0061":0}`, record{Key: []byte("a"), Value: []byte("b")}},

		{"base64", `{"key_base64":"AP8=","value_base64":"/+7d"}`,
			record{Key: []byte{0, 0xff}, Value: []byte{0xff, 0xee, 0xdd}}},
		{"base64 of nothing", `{"value_base64":""}`, record{Value: []byte{}}},
		{"base64 with escapes", `{"value_base64":"\/+7d"}`, record{Value: []byte{0xff, 0xee, 0xdd}}},
		{"one of both keys null", `{"key":null,"key_base64":"YQ==","value":"b"}`,
			record{Key: []byte("a"), Value: []byte("b")}},
		{"the other one null", `{"key":"a","key_base64":null,"value":"b"}`, record{Key: []byte("a"), Value: []byte("b")}},

		{"no headers in an object", `{"value":"a","headers":{}}`, record{Value: []byte("a")}},
		{"no headers in a list", `{"value":"a","headers":[ ]}`, record{Value: []byte("a")}},
		{"headers in order", `{"value":"a","headers":{"z":"1","a":"2","":""}}`,
			record{Value: []byte("a"), Headers: headers("z", "1", "a", "2", "", "")}},
		{"listed headers",
			`{"value":"a","headers":[{"key":"b","value":"1"},{"value_base64":"/w==","key":"b"},` +
				`{"key":"c","value":null},{"x":0,"key":"","value":""}]}`,
			record{Value: []byte("a"), Headers: []batch.Header{
				{Key: []byte("b"), Value: []byte("1")}, {Key: []byte("b"), Value: []byte{0xff}}, {Key: []byte("c")},
				{Key: []byte{}, Value: []byte{}},
			}}},

		{"epoch milliseconds", `{"value":"a","timestamp":1736937045000}`,
			record{Timestamp: 1736937045000, Value: []byte("a")}},
		{"epoch", `{"value":"a","timestamp":-0}`, record{Timestamp: 0, Value: []byte("a")}},
		{"offset of a time", `{"value":"a","timestamp":"2025-01-15T11:30:45+01:00"}`,
			record{Timestamp: now - 123, Value: []byte("a")}},
		{"escape in a time", `{"value":"a","timestamp":"2025-01-15T11:30:45\u002b01:00"}`,
			record{Timestamp: now - 123, Value: []byte("a")}},
		{"relative time", `{"value":"a","timestamp":"-15m"}`, record{Timestamp: now - 900_000, Value: []byte("a")}},
		{"the last moment that is not too far ahead", `{"value":"a","timestamp":1736940645123}`,
			record{Timestamp: now + 3_600_000, Value: []byte("a")}},

		{"names that differ in where they stand", `{"x":0,"headers":{"x":"1","key":"2"},"y":{"x":0},"value":"a"}`,
			record{Value: []byte("a"), Headers: headers("x", "1", "key", "2")}},
		{"unknown members", `{"Value":[{}],"value":"a","KEY":"b","x":{"value":1,"value":2},"y":"\ud83d\ude00","z":-1e9}`,
			record{Value: []byte("a")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want.Timestamp == 0 && c.name != "epoch" {
				c.want.Timestamp = now
			}
			for form, body := range forms(c.json) {
				got, err := decode(t, body, target, form == "ndjson")
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				if diff := cmp.Diff([]record{c.want}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

// forms are both bodies that hold one record.
func forms(record string) map[string]string {
	return map[string]string{"ndjson": record, "json": `{"records":[` + record + `]}`}
}

func TestDocuments(t *testing.T) {
	two := []record{{Timestamp: now, Value: []byte("a")}, {Timestamp: now, Value: []byte("b")}}
	for _, body := range []string{
		`{"records":[{"value":"a"},{"value":"b"}]}`,
		"\n{\n\t\"records\" : [\r\n{\n\"value\":\n\"a\"\n}\n,\n{\"value\":\"b\"}\n]\n}\n",
		`{"x":[[],{}],"records":[{"value":"a"},{"value":"b"}],"Records":null,"y":"records"}`,
		`{"r\u0065cords":[{"value":"a"},{"value":"b"}]}`,
		`{"x\u0061":1,"records":[{"\u0079y":1,"value":"a"},{"value":"b"}],"xx":1}`,
	} {
		got, err := decode(t, body, target, false)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if diff := cmp.Diff(two, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestLines(t *testing.T) {
	two := []record{{Timestamp: now, Value: []byte("a")}, {Timestamp: now, Value: []byte("b")}}
	for _, body := range []string{
		"{\"value\":\"a\"}\n{\"value\":\"b\"}\n",
		"{\"value\":\"a\"}\n{\"value\":\"b\"}",
		"{\"value\":\"a\"}\r\n{\"value\":\"b\"}\r\n",
		"\n\r\n \t\n{\"value\":\"a\"}\n\n\r\n  {\"value\":\"b\"} \r\n\n ",
	} {
		got, err := decode(t, body, target, true)
		if err != nil {
			t.Errorf("%q: %v", body, err)
		} else if diff := cmp.Diff(two, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", body, diff)
		}
	}
}

// TestLinesHaveNoLimitOfRecords: only the size of the body bounds them.
func TestLinesHaveNoLimitOfRecords(t *testing.T) {
	got, err := decode(t, strings.Repeat("{\"value\":1}\n", 1500), target, true)
	if err != nil || len(got) != 1500 {
		t.Errorf("%d records, %v", len(got), err)
	}
}
