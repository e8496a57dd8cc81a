package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"flashq/client"
)

const (
	quickTopic = "quick-demo"
	quickGroup = "quick-demo-readers"
)

// quick shows the whole of it once: every run begins afresh.
func (d *demo) quick(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.quickClear, d.quickTopic, d.quickProduce, d.quickPoll, d.quickTime, d.quickGroup,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("quick demo: %w", err)
		}
	}
	d.printf("\nThat was all of it. Nothing is left behind when the demo ends.")
	return nil
}

// quickClear removes what a run before this one left.
func (d *demo) quickClear(ctx context.Context) error {
	for _, err := range []error{d.DeleteTopic(ctx, quickTopic), d.DeleteGroup(ctx, quickGroup, true)} {
		var e *client.Error
		if err != nil && (!errors.As(err, &e) || e.Status != 404) {
			return err
		}
	}
	return nil
}

func (d *demo) quickTopic(ctx context.Context) error {
	d.printf("\nA topic of three partitions:")
	topic, err := d.CreateTopic(ctx, quickTopic, client.TopicConfig{Partitions: new(3)})
	if err == nil {
		d.printf("%s", topicTable(topic))
	}
	return err
}

// quickProduce stores a record an hour, of three keys.
func (d *demo) quickProduce(ctx context.Context) error {
	d.printf("\nSix records with keys and headers. A key's records stay in one partition, in order:")
	morning := time.Date(2026, 1, 15, 6, 0, 0, 0, time.UTC)
	var records []client.ProducerRecord
	for hour, what := range []string{
		"anna logs in", "kim logs in", "anna buys", "lea logs in", "kim leaves", "anna leaves",
	} {
		key, _, _ := strings.Cut(what, " ")
		records = append(records, client.ProducerRecord{
			Key: []byte(key), Value: []byte(what), Timestamp: morning.Add(time.Duration(hour) * time.Hour),
			Headers: []client.Header{{Key: "source", Value: []byte("shop")}},
		})
	}
	done, err := d.Produce(ctx, quickTopic, records, client.ProduceOptions{})
	if err != nil {
		return err
	}
	for _, p := range done.Partitions {
		d.printf("partition %d: offsets %d to %d", p.Partition, p.BaseOffset, p.LastOffset)
	}
	return nil
}

func (d *demo) quickPoll(ctx context.Context) error {
	d.printf("\nPolled from the start:")
	return d.quickFetch(ctx, client.FetchOptions{FromOffset: "earliest"})
}

func (d *demo) quickTime(ctx context.Context) error {
	d.printf("\nA time query, from nine o'clock on:")
	return d.quickFetch(ctx, client.FetchOptions{FromTime: "2026-01-15T09:00:00Z"})
}

func (d *demo) quickFetch(ctx context.Context, o client.FetchOptions) error {
	page, err := d.Fetch(ctx, quickTopic, o)
	if err == nil {
		d.printf("%s", recordsTable(page, true))
	}
	return err
}

// quickGroup fetches and commits twice: the second fetch goes on where the first commit is.
func (d *demo) quickGroup(ctx context.Context) error {
	for _, what := range []string{"reads four records and commits them", "goes on where it committed"} {
		d.printf("\nThe group %s %s:", quickGroup, what)
		page, err := d.Fetch(ctx, quickTopic, client.FetchOptions{Group: quickGroup, MaxRecords: 4})
		if err != nil {
			return err
		}
		d.printf("%s", recordsTable(page, false))
		if _, err := d.Commit(ctx, quickGroup, acknowledged(quickTopic, page), client.CommitOptions{}); err != nil {
			return err
		}
	}
	d.printf("\nWhat the group has committed:")
	offsets, err := d.GroupOffsets(ctx, quickGroup, quickTopic)
	if err == nil {
		d.printf("%s", offsetsTable(offsets))
	}
	return err
}
