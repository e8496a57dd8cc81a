package http

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func zstded(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

func (f *fixture) postCoded(coding, body string) answer {
	f.Helper()
	return f.do("POST", "/topics/news/records", body, "Content-Type", "application/json", "Content-Encoding", coding)
}

func TestCompressedBodies(t *testing.T) {
	f := start(t, Config{})
	f.postCoded("gzip", gzipped(t, oneRecord)).want(t, 200)
	f.postCoded("GZIP", gzipped(t, oneRecord[:7])+gzipped(t, oneRecord[7:])).want(t, 200)
	f.postCoded("zstd", zstded(t, oneRecord)).want(t, 200)
	f.postCoded("identity", oneRecord).want(t, 200)
	if got := f.fetch("/topics/news/records").values(); got != "a a a a" {
		t.Error(got)
	}
}

func TestDamagedCompressionStoresNothing(t *testing.T) {
	f := start(t, Config{})
	whole := gzipped(t, oneRecord)
	for _, body := range []string{"", "not gzip", whole[:len(whole)-4], whole[:20] + "\xff" + whole[21:]} {
		details := f.postCoded("gzip", body).wantError(t, 400, "validation_error")
		if details["field"] != "Content-Encoding" {
			t.Error(details)
		}
	}
	f.postCoded("zstd", "not zstd").wantError(t, 400, "validation_error")
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
}

// What a body is decompressed to counts as much as what is sent.
func TestDecompressedBodiesCount(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 1 << 20})
	large := gzipped(t, oneRecord+strings.Repeat(" ", 400<<10))
	f.s.bounds.inflight.Take(700 << 10) // somebody else's bodies
	f.postCoded("gzip", large).wantError(t, 429, "overloaded")
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
	f.s.bounds.inflight.Give(700 << 10)
	f.postCoded("gzip", large).want(t, 200)
	eventually(t, "nothing is held", func() bool { return f.s.bounds.inflight.Used() == 0 })
}

func TestUnknownCoding(t *testing.T) {
	f := start(t, Config{})
	for _, coding := range []string{"br", "deflate", "gzip, gzip"} {
		a := f.postCoded(coding, oneRecord)
		a.wantError(t, 415, "unsupported_media_type")
		if a.header.Get("Accept-Encoding") != "gzip, zstd" {
			t.Error(a.header)
		}
	}
}

// Small on the wire, huge in memory: the limit is on what comes out.
func TestBombs(t *testing.T) {
	f := start(t, Config{MaxBodyBytes: 1 << 20})
	bomb := oneRecord + strings.Repeat(" ", 40<<20)
	f.postCoded("gzip", gzipped(t, bomb)).says(t, 413, "body_too_large", "1048576 bytes, decompressed (gzip)")
	f.postCoded("zstd", zstded(t, bomb)).says(t, 413, "body_too_large", "1048576 bytes, decompressed (zstd)")
	// A frame that declares a window of 1 GiB and holds nothing.
	f.postCoded("zstd", "\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00").says(t, 413, "body_too_large", "zstd window is larger than")
	f.postCoded("zstd", zstded(t, bomb)).says(t, 413, "body_too_large", "request body is larger than")
	exact := oneRecord + strings.Repeat(" ", 1<<20-len(oneRecord))
	f.postCoded("gzip", gzipped(t, exact)).want(t, 200)
	f.postCoded("gzip", gzipped(t, exact+" ")).wantError(t, 413, "body_too_large")
}

func TestCompressedAnswers(t *testing.T) {
	f := start(t, Config{})
	value := strings.Repeat("flash queue ", 400)
	f.produce("/topics/news/records", `{"value":"`+value+`"}`)
	plain := f.get("/topics/news/records").want(t, 200)
	for coding, unpack := range map[string]func(string) (io.Reader, error){
		"gzip": func(s string) (io.Reader, error) { return gzip.NewReader(strings.NewReader(s)) },
		"zstd": func(s string) (io.Reader, error) { return zstd.NewReader(strings.NewReader(s)) },
	} {
		a := f.get("/topics/news/records", "Accept-Encoding", coding).want(t, 200)
		if a.header.Get("Content-Encoding") != coding || len(a.body) > len(plain.body)/2 {
			t.Fatalf("%s: %v, %d bytes", coding, a.header, len(a.body))
		}
		r, err := unpack(a.body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, []byte(plain.body+"\n")) {
			t.Errorf("%s: %v, %d bytes", coding, err, len(got))
		}
	}
	small := f.get("/topics/news/records?from_offset=latest", "Accept-Encoding", "gzip").want(t, 200)
	if small.header.Get("Content-Encoding") != "" {
		t.Error("an answer below 1 KiB was compressed")
	}
	eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
}
