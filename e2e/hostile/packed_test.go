package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func gzipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}

func zstded(text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err) // it has no options
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

// frame is a zstd frame made by hand: a window of 2^(10+exponent) bytes, and blocks.
func frame(exponent byte, blocks string) string {
	return "\x28\xb5\x2f\xfd\x00" + string([]byte{exponent << 3}) + blocks
}

// repeated is a block that says a byte so many times.
func repeated(size int, last bool) string {
	head := uint32(size)<<3 | 1<<1
	if last {
		head |= 1
	}
	return string(binary.LittleEndian.AppendUint32(nil, head)[:3]) + "a"
}

// bomb is 32 KiB of zstd that is a gigabyte.
func bomb() string {
	return frame(7, strings.Repeat(repeated(128<<10, false), 8191)+repeated(128<<10, true))
}

func TestCodings(t *testing.T) {
	packed := func(name, coding, body string, status int, code string) row {
		return row{name: name, send: produce(body, "Content-Encoding: "+coding), status: status, code: code}
	}
	bad := func(name, coding, body string) row { return packed(name, coding, body, 400, "validation_error") }
	none := func(name, coding string) row { return packed(name, coding, goodBody, 415, "unsupported_media_type") }
	good := func(name, coding, body string) row {
		return row{name: name, send: produce(body, "Content-Encoding: "+coding), status: 200, stores: 1}
	}
	zipped, zstd := gzipped(goodBody), zstded(goodBody)
	changed := func(text string, at int, to byte) string {
		b := []byte(text)
		b[(len(b)+at)%len(b)] = to
		return string(b)
	}
	hit(t, []row{
		none("br", "br"),
		none("deflate", "deflate"),
		none("compress", "compress"),
		none("aws-chunked", "aws-chunked"),
		none("gzip twice", "gzip, gzip"),
		none("gzip, then zstd", "gzip, zstd"),
		none("gzip and identity", "gzip, identity"),
		none("a star", "*"),
		none("gzip in quotes", `"gzip"`),
		none("gzip with a quality", "gzip;q=1"),
		{name: "two lines of codings", send: produce(zipped, "Content-Encoding: gzip", "Content-Encoding: zstd"), status: 415, code: "unsupported_media_type"},
		{name: "two equal lines of codings", send: produce(zipped, "Content-Encoding: gzip", "Content-Encoding: gzip"), status: 415, code: "unsupported_media_type"},
		bad("gzip that is plain", "gzip", goodBody),
		bad("gzip that is zstd", "gzip", zstd),
		bad("zstd that is plain", "zstd", goodBody),
		bad("zstd that is gzip", "zstd", zipped),
		packed("gzip that nobody told", "identity", zipped, 400, "invalid_json"),
		packed("gzip in gzip, told once", "gzip", gzipped(zipped), 400, "invalid_json"),
		bad("half a gzip", "gzip", zipped[:len(zipped)/2]),
		bad("half a gzip's head", "gzip", zipped[:5]),
		bad("a gzip without its sum", "gzip", zipped[:len(zipped)-8]),
		bad("a gzip with a wrong sum", "gzip", changed(zipped, -8, 'x')),
		bad("a gzip with a wrong length", "gzip", changed(zipped, -1, 'x')),
		bad("a gzip of another method", "gzip", changed(zipped, 2, 7)),
		bad("a gzip with garbage after it", "gzip", zipped+"garbage"),
		bad("a gzip with zeros after it", "gzip", zipped+"\x00\x00\x00\x00"),
		bad("a gzip and half another", "gzip", zipped+zipped[:9]),
		packed("two gzips", "gzip", zipped+zipped, 400, "invalid_json"),
		packed("a gzip of nothing", "gzip", gzipped(""), 400, "invalid_json"),
		bad("half a zstd", "zstd", zstd[:len(zstd)/2]),
		bad("half a zstd's head", "zstd", zstd[:5]),
		bad("a zstd with a wrong sum", "zstd", changed(zstd, -1, 'x')),
		bad("a zstd with garbage after it", "zstd", zstd+"garbage"),
		packed("two zstds", "zstd", zstd+zstd, 400, "invalid_json"),
		bad("a zstd for a dictionary", "zstd", "\x28\xb5\x2f\xfd\x01\x00\x01\x01\x00\x00"),
		bad("a zstd with a bit that is reserved", "zstd", "\x28\xb5\x2f\xfd\x08\x00\x01\x00\x00"),
		bad("a zstd block of no kind", "zstd", frame(0, "\x07\x00\x00")),
		// zstd's library has one error for this and for a window that is too large for the broker.
		packed("a zstd block larger than its window", "zstd", frame(0, repeated(100<<10, true)), 413, "body_too_large"),
		packed("a zstd of nothing", "zstd", frame(0, "\x01\x00\x00"), 400, "invalid_json"),
		packed("a zstd that is skipped", "zstd", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd", 400, "invalid_json"),
		bad("gzip and no body", "gzip", ""),
		packed("a gzip that is no JSON", "gzip", gzipped("{"), 400, "invalid_json"),
		{name: "half a gzip for a topic", send: with("PUT", "/topics/made", typeJSON, gzipped("{}")[:9], "Content-Encoding: gzip"),
			status: 400, code: "validation_error"},
		{name: "half a gzip as text", send: with("POST", records, "text/plain", zipped[:9], "Content-Encoding: gzip"), status: 400, code: "validation_error"},
		{name: "half a gzip in chunks", send: framed("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunks(zipped[:9], zipped[9:20])),
			status: 400, code: "validation_error"},
		good("gzip in capitals", "GZIP", zipped),
		good("x-gzip", "x-gzip", zipped),
		good("identity", "identity", goodBody),
		good("no coding", "", goodBody),
		good("a body over two gzips", "gzip", gzipped(goodBody[:9])+gzipped(goodBody[9:])),
		good("a body over two zstds", "zstd", zstded(goodBody[:9])+zstded(goodBody[9:])),
	})
}

// Little that becomes much, or claims to. What it may cost the broker has a bound.
func TestBombs(t *testing.T) {
	t.Parallel()
	large := func(name, send string) row { return row{name: name, send: send, status: 413, code: "body_too_large"} }
	packed := func(name, target, kind, coding, body string) row {
		return large(name, with("POST", target, kind, body, "Content-Encoding: "+coding))
	}
	zeros := gzipped(strings.Repeat("\x00", 64<<20))
	batches := records + "?partition=0"
	const bound, members = 16 << 20, "/groups/g/members/m"
	broker := hitOn(t, []row{
		packed("gzip that is 64 MiB of zeros", records, typeOctets, "gzip", zeros),
		packed("gzip that is 64 MiB of blanks", records, typeJSON, "gzip", gzipped(strings.Repeat(" ", 64<<20))),
		packed("gzip that is 64 MiB of line feeds", records, typeLines, "gzip", gzipped(strings.Repeat("\n", 64<<20))),
		packed("a hundred gzips of 4 MiB", records, typeJSON, "gzip", strings.Repeat(gzipped(strings.Repeat(" ", 4<<20)), 100)),
		packed("zstd that is a gigabyte", records, typeOctets, "zstd", bomb()),
		packed("a hundred zstds of 4 MiB", records, typeJSON, "zstd", strings.Repeat(zstded(strings.Repeat(" ", 4<<20)), 100)),
		packed("a zstd window of 2 GiB", records, typeJSON, "zstd", frame(21, "\x01\x00\x00")),
		packed("a zstd window of 3 TiB", records, typeJSON, "zstd", frame(31, "\x01\x00\x00")),
		packed("a zstd window of 128 MiB", records, typeJSON, "zstd", frame(17, repeated(1, true))),
		packed("a zstd that claims 2^62 bytes", records, typeJSON, "zstd", "\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x40\x01\x00\x00"),
		packed("one above the bound in gzip", records, typeJSON, "gzip", gzipped(goodBody+strings.Repeat(" ", bound+1-len(goodBody)))),
		packed("one above the bound in zstd", records, typeJSON, "zstd", zstded(goodBody+strings.Repeat(" ", bound+1-len(goodBody)))),
		large("gzip for a topic", with("PUT", "/topics/made", typeJSON, zeros[:60<<10], "Content-Encoding: gzip")),
		large("zstd for a group", with("PUT", "/groups/made", typeJSON, bomb(), "Content-Encoding: zstd")),
		large("zstd for a member", with("PUT", members, typeJSON, bomb(), "Content-Encoding: zstd")),
		large("zstd for a commit", with("POST", "/groups/g/offsets", typeJSON, bomb(), "Content-Encoding: zstd")),
		large("zstd for an alias", with("POST", "/topic/news/record", typeJSON, bomb(), "Content-Encoding: zstd")),
		large("chunks without end", framed("Transfer-Encoding: chunked\r\n", strings.Repeat("100000\r\n"+strings.Repeat(" ", 1<<20)+"\r\n", 17))),
		large("a batch in gzip of 64 MiB", with("POST", batches, typeKafka, recordBatch(func(b *fields) { b.attributes, b.records = 1, zeros }))),
		large("a batch in zstd of a gigabyte", with("POST", batches, typeKafka, recordBatch(func(b *fields) { b.attributes, b.records = 4, bomb() }))),
		large("a batch in zstd with a window of 2 GiB", with("POST", batches, typeKafka,
			recordBatch(func(b *fields) { b.attributes, b.records = 4, frame(21, "\x01\x00\x00") }))),
		large("a batch in snappy that claims 4 GiB", with("POST", batches, typeKafka,
			recordBatch(func(b *fields) { b.attributes, b.records = 2, "\xff\xff\xff\xff\x0f" }))),
		large("a batch in gzip in gzip", with("POST", batches, typeKafka,
			gzipped(recordBatch(func(b *fields) { b.attributes, b.records = 1, zeros })), "Content-Encoding: gzip")),
		{name: "a body at the bound in gzip", send: produce(gzipped(goodBody+strings.Repeat(" ", bound-len(goodBody))), "Content-Encoding: gzip"),
			status: 200, stores: 1},
	})
	const most = 400 << 20
	peak, known := memoryOf(broker.PID, "VmHWM")
	if known && peak > most {
		t.Errorf("the broker took %d MiB", peak>>20)
	}
	t.Logf("at most %d MiB", peak>>20)
	end(t, broker)
}

// memoryOf is a line of what a process has in memory, where the system tells: VmRSS now, VmHWM at most.
func memoryOf(pid int, line string) (bytes int, known bool) {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	m := regexp.MustCompile(line + `:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0, false
	}
	kib, err := strconv.Atoi(string(m[1]))
	return kib << 10, err == nil
}
