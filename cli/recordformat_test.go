package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"flashq/client"
)

var order = client.Record{
	Partition: 3, Offset: 42, Timestamp: time.UnixMilli(1736937045123), Key: []byte("anna"), Value: []byte("a pen"),
	Headers: []client.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}},
}

func asItIs(to, p []byte) []byte { return append(to, p...) }

func TestVerbsOfAFormat(t *testing.T) {
	tombstone := client.Record{}
	for _, row := range []struct {
		format string
		r      client.Record
		want   string
	}{
		{`%t %p %o %T`, order, "orders 3 42 1736937045123"},
		{`%k=%s\n`, order, "anna=a pen\n"},
		{`%K %S %h%%`, order, "4 5 a=1,b=NULL%"},
		{`%R%s`, order, "\x00\x00\x00\x05a pen"},
		{`[%k|%K|%s|%S|%h]`, tombstone, "[|-1||-1|]"},
		{`%R`, tombstone, "\xff\xff\xff\xff"},
		{`\t\r\0\\\x41é`, order, "\t\r\x00\\Aé"},
		{``, order, ""},
	} {
		f, err := parseFormat(row.format)
		if got := f.append(nil, "orders", &row.r, asItIs); err != nil || string(got) != row.want {
			t.Errorf("%s is %q, %v; not %q", row.format, got, err, row.want)
		}
	}
	for _, text := range []string{`%`, `%x`, `a\`, `\q`, `\x4`, `\xzz`, `%`} {
		if _, err := parseFormat(text); err == nil || !strings.Contains(err.Error(), "allowed: %t topic") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What a terminal might obey is escaped where it is the record's; the format is the user's own.
func TestAFormatIsSafeOnATerminal(t *testing.T) {
	evil := client.Record{Key: []byte("\x1b[31m"), Value: []byte("a\u202eb\xff\tc\nd\u009b"), Headers: []client.Header{{Key: "\a"}}}
	f, err := parseFormat(`\x1b[1m%k %s %h`)
	want := "\x1b[1m" + `\x1b[31m a\u202eb\xff` + "\tc\nd" + `\u009b \a=NULL`
	if got := f.append(nil, "", &evil, appendSafe); err != nil || string(got) != want {
		t.Errorf("%q, %v; not %q", got, err, want)
	}
	if got := string(safeJSON([]byte("{\"a\":\"é\u202e\u007f\U000e0001\"}\n"))); got != `{"a":"é\u202e\u007f\udb40\udc01"}`+"\n" {
		t.Error(got)
	}
}

// Whatever is typed is refused, or writes a record: text without verbs and escapes as it is.
func FuzzRecordFormat(f *testing.F) {
	for _, text := range []string{`%t %p %o %k %K %s %S %R %h %T %%\n`, `\x41\`, "%", "é%s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		format, err := parseFormat(text)
		if err != nil {
			return
		}
		got := format.append(nil, "orders", &order, asItIs)
		if !strings.ContainsAny(text, `%\`) && !bytes.Equal(got, []byte(text)) {
			t.Errorf("%q writes %q", text, got)
		}
	})
}
