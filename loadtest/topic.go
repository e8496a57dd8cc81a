package loadtest

import (
	"context"
	"fmt"
)

// createTopic makes a fresh topic with its partitions. A server without that route makes one of one partition at the
// first record.
func createTopic(ctx context.Context, address, topic string, partitions int) error {
	body := fmt.Appendf(nil, `{"partitions":%d}`, partitions)
	a, err := exchangeOnce(ctx, address, request("PUT", address, "/topics/"+topic, mediaTypes["json"], body))
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	missing := a.status == 404 || a.status == 405
	if a.status/100 == 2 || missing && partitions == 1 {
		return nil
	}
	return fmt.Errorf("create topic %s: the server answered %d %s", topic, a.status, excerpt(a.body))
}

// deleteTopic gives a round's memory and disk back, so that the next round finds what this one found. It tells
// whether the server did so.
func deleteTopic(ctx context.Context, address, topic string) (bool, error) {
	a, err := exchangeOnce(ctx, address, request("DELETE", address, "/topics/"+topic, "", nil))
	if err != nil {
		return false, fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return a.status/100 == 2, nil
}
