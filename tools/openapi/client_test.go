package openapi

import (
	"context"
	"os"
	"testing"
	"time"

	"flashq/tools/openapi/client"
)

// A client that was made of the document sends a record, and reads it.
func TestTheGeneratedClient(t *testing.T) {
	broker := os.Getenv("FLASHQ_URL")
	if broker == "" {
		t.Fatal("FLASHQ_URL names no broker: make openapi")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.NewClientWithResponses(broker)
	if err != nil {
		t.Fatal(err)
	}
	key, partitions := "anna", int64(2)
	made, err := c.PutTopicWithResponse(ctx, "generated", nil, client.PutTopicJSONRequestBody{Partitions: &partitions})
	if err != nil || made.JSON201 == nil || made.JSON201.Partitions != 2 {
		t.Fatalf("%v %s", err, made.Body)
	}
	sent, err := c.ProduceRecordsWithResponse(ctx, "generated", nil,
		client.SentRecords{Records: []client.Record{{Key: &key, Value: "book"}}})
	if err != nil || sent.JSON200 == nil || sent.JSON200.Count != 1 {
		t.Fatalf("%v %s", err, sent.Body)
	}
	most := int64(10)
	read, err := c.FetchRecordsWithResponse(ctx, "generated", &client.FetchRecordsParams{MaxRecords: &most})
	if err != nil || read.JSON200 == nil || len(read.JSON200.Records) != 1 {
		t.Fatalf("%v %s", err, read.Body)
	}
	r := read.JSON200.Records[0]
	if r.Key == nil || *r.Key != key || r.Value != "book" || r.Offset != sent.JSON200.Offset {
		t.Errorf("%+v", r)
	}
	gone, err := c.GetTopicWithResponse(ctx, "nowhere", nil)
	if err != nil || gone.JSON404 == nil || gone.JSON404.Error != "topic_not_found" || gone.JSON404.Retryable {
		t.Errorf("%v %s", err, gone.Body)
	}
}
