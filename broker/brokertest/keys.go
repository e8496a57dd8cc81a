package brokertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"flashq/broker"
)

// Keyed appends with a key whose digest is made of what says.
func Keyed(topic broker.Topic, key, says string, parts ...broker.Part) (replayed bool, err error) {
	sum := sha256.Sum256([]byte(says))
	k := broker.Key{Name: key, Digest: [16]byte(sum[:])}
	err = topic.Append(parts, broker.How{Key: &k})
	return k.Replayed, err
}

func testKeys(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 3)
	request := func() []broker.Part { return []broker.Part{Part(0, 5, "a", "b"), Part(2, 6, "c")} }
	Append(t, topic, Part(0, 1, "before"))
	first := request()
	if replayed, err := Keyed(topic, "k", "one", first...); err != nil || replayed {
		t.Fatalf("first: replayed %v, %v", replayed, err)
	}
	Append(t, topic, Part(2, 9, "after"))
	again := request()
	again[1].BrokerTime = true
	replayed, err := Keyed(topic, "k", "one", again...)
	if err != nil || !replayed {
		t.Fatalf("again: replayed %v, %v", replayed, err)
	}
	for i := range again {
		if !again[i].Duplicate || !again[i].Stored || again[i].BaseOffset != first[i].BaseOffset ||
			again[i].Timestamp != first[i].Timestamp {
			t.Errorf("part %d: %+v, was %+v", i, again[i], first[i])
		}
	}
	for _, row := range []struct {
		what string
		part broker.Part
	}{
		{"other values", Part(0, 5, "x", "y")}, {"another partition", Part(1, 5, "x")}, {"more", Part(0, 5, "a", "b", "c")},
	} {
		if _, err := Keyed(topic, "k", row.what, row.part); !errors.Is(err, broker.ErrKeyReused) {
			t.Errorf("the key for %s: %v", row.what, err)
		}
	}
	if replayed, err := Keyed(topic, "l", "one", request()...); err != nil || replayed {
		t.Errorf("another key: replayed %v, %v", replayed, err)
	}
	other := Make(t, b, "other", 3)
	if replayed, err := Keyed(other, "k", "two", request()...); err != nil || replayed {
		t.Errorf("the same key in another topic: replayed %v, %v", replayed, err)
	}
	for p, want := range []string{"[before a b a b]", "[]", "[c after c]"} {
		if got := fmt.Sprint(ReadAll(t, topic, p, 0)); got != want {
			t.Errorf("partition %d holds %s, want %s", p, got, want)
		}
	}
}

// A key has a request's batches for its own: it goes with several, and with no producer's id.
func testKeyedBatches(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	request := func() broker.Part { return Batches(0, 5, "a b", "c", "d e f", "g", "h", "i", "j") }
	if _, err := Keyed(topic, "k", "", request()); err != nil {
		t.Fatal(err)
	}
	Append(t, topic, Part(0, 9, "after"))
	again := []broker.Part{request()}
	if replayed, err := Keyed(topic, "k", "", again...); err != nil || !replayed {
		t.Fatalf("again: replayed %v, %v", replayed, err)
	}
	if got := again[0].Rest[1]; got.BaseOffset != 3 || got.Timestamp != 7 || !got.Duplicate {
		t.Errorf("its third batch: %+v", got)
	}
	if got := fmt.Sprint(ReadAll(t, topic, 0, 0)); got != "[a b c d e f g h i j after]" {
		t.Errorf("holds %s", got)
	}
	foreign := Numbered(0, 1<<62+5, 0, 0, "x")
	if err := topic.Append([]broker.Part{foreign}, broker.How{}); !errors.Is(err, broker.ErrInvalid) {
		t.Errorf("a batch with a key's producer id: %v", err)
	}
}

// A request that is refused does not use its key up.
func testRefusedKey(t *testing.T, b broker.Broker) {
	topic := Make(t, b, "t", 1)
	_, err := Keyed(topic, "k", "wrong", Part(0, 1, "a"), Part(4, 1, "b"))
	if !errors.Is(err, broker.ErrPartitionNotFound) {
		t.Fatal(err)
	}
	if replayed, err := Keyed(topic, "k", "right", Part(0, 1, "a")); err != nil || replayed {
		t.Errorf("after a refusal: replayed %v, %v", replayed, err)
	}
	if err := b.DeleteTopic(context.Background(), "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := Keyed(topic, "k", "right", Part(0, 1, "a")); !errors.Is(err, broker.ErrTopicNotFound) {
		t.Errorf("in a topic that is gone: %v", err)
	}
	anew := Make(t, b, "t", 1)
	if replayed, err := Keyed(anew, "k", "another", Part(0, 1, "a")); err != nil || replayed {
		t.Errorf("in a new topic of its name: replayed %v, %v", replayed, err)
	}
}
