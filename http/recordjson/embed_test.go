package recordjson_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"flashq/http/recordjson"
)

var embedding = recordjson.Options{Embed: true}

// shownValue is what a record with this value shows of it: the member's name and what it says.
func shownValue(t *testing.T, value []byte) string {
	t.Helper()
	_, shown, _ := strings.Cut(encode(t, record{Value: value}, embedding), `"key":null,`)
	return strings.TrimSuffix(shown, `,"headers":null}`)
}

func TestEmbeddedValues(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`[`, n-1) + `{"a": {}}` + strings.Repeat(`]`, n-1) }
	for _, value := range []string{
		`{"item": 7}`, `{}`, `[]`, `[1, "two",null ,{"a":[true,false]}]`, `true`, `false`, `0`, `-0`, `-1.50E+3`,
		`1e308`, `12345678901234567890123`, `{"a":1,"b":{"a":1}}`, "{\t\"ä\":\"\u2028\\ud83d\\ude00\"}", `{"":0}`, deep(999),
		`1e309`, `1E+400`, `[-1e999]`, strings.Repeat("9", 400), `{"a":1,"a":1}`, `[{"b":0,"\u0062":0}]`,
	} {
		if got := shownValue(t, []byte(value)); got != `"value":`+value {
			t.Errorf("%s: %s", value, got)
		}
		shown := encode(t, record{Value: []byte(value)}, embedding)
		if back, err := decode(t, strings.Replace(shown, `"partition":2,`, "", 1), target, true); err != nil || string(back[0].Value) != value {
			t.Errorf("%s comes back as %v %v", value, back, err)
		}
	}
	for _, value := range []string{
		"", `"text"`, `null`, ` 1`, `1 `, ` {}`, "{}\t", "{\n}", "[1,\r2]", `{"a":1`, `{"a":1}}`, `[1,]`, `{a:1}`, `01`, `1.`,
		`+1`, `1e`, `NaN`, `True`, `true!e`, `2026-01-15`, `5 apples 5`, `{"a":1} {"b":2}`, `["\ud800"]`, `["\x"]`,
		deep(1000), "\ufeff1", `{"a":truth}`, `{"a" 1}`,
	} {
		want, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := shownValue(t, []byte(value)); got != `"value_text":`+string(want) {
			t.Errorf("%q: %s", value, got)
		}
	}
	for value, want := range map[string]string{
		"\xff": `"value_base64":"/w=="`, "[\"\xff\"]": `"value_base64":"WyL/Il0="`,
	} {
		if got := shownValue(t, []byte(value)); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
	if got := shownValue(t, nil); got != `"value":null` {
		t.Errorf("a tombstone: %s", got)
	}
	got := encode(t, record{Key: []byte("1"), Value: []byte(`{}`), Headers: headers("a", "1")}, embedding)
	if !strings.HasSuffix(got, `"key":"1","value":{},"headers":{"a":"1"}}`) {
		t.Errorf("key and headers are not as with text: %s", got)
	}
}

// valueOfAnySort draws what is JSON, nearly JSON, or anything.
func valueOfAnySort() *rapid.Generator[[]byte] {
	piece := rapid.SampledFrom([]string{
		`{`, `}`, `[`, `]`, `,`, `:`, `"a"`, `"a":`, `"b":1`, `1`, `-0.5e3`, `1e999`, `true`, `null`, ` `, "\n", "\r", "\t", `"ä\u00e4"`,
		"\xff", `\`, `"`,
	})
	pieces := rapid.Map(rapid.SliceOfN(piece, 0, 12), func(all []string) []byte { return []byte(strings.Join(all, "")) })
	scalar := rapid.SampledFrom([]any{nil, true, 1.5, "text", "a\"\n", map[string]any{}, []any{}})
	document := rapid.Map(rapid.MapOfN(rapid.StringN(0, 3, -1), rapid.SliceOfN(scalar, 0, 4), 0, 5),
		func(m map[string][]any) []byte {
			text, _ := json.Marshal(m) // of valid strings
			return text
		})
	return rapid.OneOf(pieces, document, rapid.SliceOf(rapid.Byte()))
}

// What is shown with its JSON embedded is JSON on one line, and sent again it is the same record.
func TestEmbeddedValuesComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := record{Timestamp: now, Value: valueOfAnySort().Draw(rt, "value"), Key: []byte("k")}
		if rapid.Bool().Draw(rt, "tombstone") {
			r.Value = nil
		}
		shown := encode(t, r, embedding)
		if !jsontext.Value(shown).IsValid(jsontext.AllowDuplicateNames(true)) || strings.ContainsAny(shown, "\r\n") {
			rt.Fatalf("%q is shown as %s", r.Value, shown)
		}
		one := target
		one.Partitions = 3 // the record is shown as one of partition 2
		for body, lines := range map[string]bool{shown + "\n" + shown: true, `{"records":[` + shown + "," + shown + `]}`: false} {
			got, err := decode(t, body, one, lines)
			if err != nil || len(got) != 2 {
				rt.Fatalf("%s: %v", body, err)
			}
			for _, g := range got {
				if !bytes.Equal(g.Value, r.Value) || (g.Value == nil) != (r.Value == nil) || string(g.Key) != "k" || g.Timestamp != now {
					rt.Fatalf("%q is shown as %s and comes back as %q", r.Value, shown, g.Value)
				}
			}
		}
	})
}
