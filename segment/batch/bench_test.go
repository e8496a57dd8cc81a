package batch_test

import (
	"bytes"
	"testing"

	"flashq/segment/batch"
)

const benchRecords = 100

var (
	benchKey    = []byte("user123")
	benchValue  = bytes.Repeat([]byte("x"), 1024)
	benchHeader = batch.Header{Key: []byte("source"), Value: []byte("auth")}
)

// hundred is a batch of 100 records of 1 KiB with keys and one header.
func hundred(b *batch.Builder) batch.Batch {
	for i := range benchRecords {
		b.Add(1736937045123+int64(i), benchKey, benchValue, benchHeader)
	}
	return b.Finish()
}

func BenchmarkBuild(b *testing.B) {
	var builder batch.Builder
	b.SetBytes(int64(len(hundred(&builder))))
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset(builder.Buf)
		hundred(&builder)
	}
}

func BenchmarkFinish(b *testing.B) {
	var builder batch.Builder
	b.SetBytes(int64(len(hundred(&builder))))
	b.ReportAllocs()
	for b.Loop() {
		builder.Finish()
	}
}

func BenchmarkRecords(b *testing.B) {
	var builder batch.Builder
	p := hundred(&builder)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for it := p.Records(); it.Next(); {
			for headers := it.Record.Headers(); headers.Next(); {
				n += len(headers.Header.Value)
			}
		}
		if n != benchRecords*len("auth") {
			b.Fatal("headers are missing")
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	var builder batch.Builder
	p := hundred(&builder)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
