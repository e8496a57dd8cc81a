package batch

import (
	"testing"

	"pgregory.net/rapid"
)

// TestMurmur2 holds the cases of Kafka's UtilsTest.testMurmur2, and more lengths as Utils.murmur2 of kafka-clients
// 4.3.1 hashes them.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,

		"":        275646681,
		"1":       -1993445489,
		"12":      126087238,
		"123":     -267702483,
		"1234":    -1614185708,
		"12345":   -1188365604,
		"user123": 290947905,
		"N14228":  -1499626080,
		"größe":   588164084,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

// TestPartition: negative hashes too must give a partition, and the one that Kafka's toPositive gives.
func TestPartition(t *testing.T) {
	if got, want := Partition([]byte("21"), 16), (-973932308&0x7fffffff)%16; got != want {
		t.Errorf("partition of 21 is %d, want %d", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		partitions := rapid.IntRange(1, 1000).Draw(t, "partitions")
		got := Partition(key, partitions)
		if got < 0 || got >= partitions {
			t.Fatalf("partition %d of %d", got, partitions)
		}
		if int64(got) != int64(int32(murmur2(key))&0x7fffffff)%int64(partitions) {
			t.Fatalf("partition %d is not where the hash points", got)
		}
		if again := Partition(append([]byte(nil), key...), partitions); again != got {
			t.Fatalf("the same key is in %d and %d", got, again)
		}
	})
}
