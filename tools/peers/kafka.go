package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// brokerJVM is what Kafka's own start script gives a broker, toolJVM what suits its tools better than their default
	// of 256 MiB.
	brokerJVM = "-Xms1g -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 " +
		"-XX:+ExplicitGCInvokesConcurrent"
	toolJVM = "-server -XX:+UseG1GC"

	// kafkaBatches is what the producer gathers: of 16 KiB to 1 MB and linger.ms of 0 to 10, tried with both record
	// sizes, the fastest. With one node acks=1 promises what acks=all does.
	kafkaBatches = "batch.size=524288 linger.ms=5 acks=1 buffer.memory=67108864"
	kafkaPrompt  = "linger.ms=0 acks=1"

	kafkaFill = 1_500_000 // records that the consumer reads, once

	producerTool = "org.apache.kafka.tools.ProducerPerformance"
	consumerTool = "org.apache.kafka.tools.ConsumerPerformance"
)

// kafka is a broker of one node, loaded by Kafka's own tools; where those can't wait for each record, or
// tell microseconds, by franz-go.
type kafka struct {
	settings
	env       []string
	rates     rates
	bootstrap string
	payload   string // a file of records
	client    *kgo.Client
}

func newKafka(s settings) (peer, error) {
	libs, err := filepath.Abs(filepath.Join(s.tools, "kafka", "libs"))
	if err != nil {
		return peer{}, fmt.Errorf("kafka: %w", err)
	}
	k := kafka{settings: s, env: []string{"FLASHQ_KAFKA_LIBS=" + libs, "FLASHQ_KAFKA_JVM=" + toolJVM},
		rates: rates{rowBatched: 500e3, rowLarge: 200e3}}
	return peer{name: kafkaName, files: true, start: k.start}, nil
}

func (k kafka) start(ctx context.Context, folder string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := k.prepare(ctx, folder, port); err != nil {
		return nil, err
	}
	k.bootstrap = address(port)
	k.client, err = kgo.NewClient(kgo.SeedBrokers(k.bootstrap), kgo.ProducerLinger(0), kgo.DefaultProduceTopic("single"),
		kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()) // one request under way: what waits is the next
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	env := append(slices.Clone(k.env), "FLASHQ_KAFKA_JVM="+brokerJVM) // the last one counts
	c, err := launch(ctx, folder, env, k.client.Ping, k.kafka, "serve", folder, strconv.Itoa(port))
	if err == nil {
		err = k.createTopics(ctx)
	}
	if err != nil {
		k.client.Close()
		if c != nil {
			c.stop()
		}
		return nil, err
	}
	return &server{child: c, close: k.client.Close, measurements: []measurement{
		{rowBatched, k.batched}, // first, as it warms up the broker's JVM for the others
		{rowSmall, k.small},
		{rowOne, k.one},
		{rowPaced, k.paced},
		{rowOwn, k.pacedByItsOwn},
		{rowLarge, k.large},
		{rowFetch, k.fetch},
		{rowDecoded, k.decoded}, // reads what fetch has filled
	}}, nil
}

// prepare makes the node's folder and the payload.
func (k *kafka) prepare(ctx context.Context, folder string, port int) error {
	if _, err := output(ctx, k.env, k.kafka, "format", folder, strconv.Itoa(port)); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, "server.properties"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	defer func() { _ = f.Close() }() // the write tells
	_, err = fmt.Fprint(f, "log.retention.check.interval.ms=200\nlog.segment.delete.delay.ms=0\n",
		"log.initial.task.delay.ms=100\n") // so that retention works while it is measured
	if err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	k.payload = filepath.Join(folder, "payload")
	lines := make([]string, batch)
	for i := range lines {
		lines[i] = string(letters(large, i))
	}
	return os.WriteFile(k.payload, []byte(strings.Join(lines, "\n")), 0o600)
}

func (k *kafka) createTopics(ctx context.Context) error {
	admin := kadm.NewClient(k.client)
	segment, retention := strconv.Itoa(segmentBytes), strconv.Itoa(retentionBytes)
	kept := map[string]*string{"segment.bytes": &segment}
	bounded := map[string]*string{"segment.bytes": &segment, "retention.bytes": &retention}
	for _, topic := range []struct {
		name   string
		config map[string]*string
	}{{"single", bounded}, {"batched", bounded}, {"large", bounded}, {"fetch", kept}} {
		if _, err := admin.CreateTopic(ctx, 1, 1, topic.config, topic.name); err != nil {
			return fmt.Errorf("topic %s: %w", topic.name, err)
		}
	}
	return nil
}

// produce runs the producer for about as long as the settings say; its first records are no measurement.
func (k *kafka) produce(ctx context.Context, row, topic, properties string, records ...string) (figures, error) {
	n := k.rates.count(row, k.span)
	warm := k.rates.count(row, 2*k.warm)
	out, err := k.tool(ctx, producerTool, topic, n+warm, warm, -1, properties, records...)
	if err != nil {
		return nil, err
	}
	rate, _, err := readProducer(out)
	if err != nil {
		return nil, err
	}
	k.rates.reached(row, rate)
	return figures{row: rate}, nil
}

func (k *kafka) tool(ctx context.Context, tool, topic string, n, warm, perSecond int, properties string,
	records ...string) (string, error) {
	args := append([]string{"tool", tool, "--bootstrap-server", k.bootstrap, "--topic", topic, "--num-records",
		strconv.Itoa(n), "--warmup-records", strconv.Itoa(warm), "--throughput", strconv.Itoa(perSecond)}, records...)
	args = append(append(args, "--command-property"), strings.Fields(properties)...)
	return output(ctx, k.env, k.kafka, args...)
}

// small has callers that wait each for its own record; the client makes one request of what waits, as it is meant to.
func (k *kafka) small(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, k.warm, k.span, repeat(callers, k.send))
	return ofRow(rowSmall, rate, l), err
}

func (k *kafka) batched(ctx context.Context) (figures, error) {
	return k.produce(ctx, rowBatched, "batched", kafkaBatches, "--record-size", strconv.Itoa(small))
}

func (k *kafka) large(ctx context.Context) (figures, error) {
	return k.produce(ctx, rowLarge, "large", kafkaBatches, "--payload-file", k.payload)
}

func (k *kafka) one(ctx context.Context) (figures, error) {
	rate, l, err := closed(ctx, k.warm, k.span, repeat(1, k.send))
	return ofRow(rowOne, rate, l), err
}

func (k *kafka) paced(ctx context.Context) (figures, error) {
	l, err := paced(ctx, k.warm, k.span, repeat(callers, k.send))
	return ofRow(rowPaced, pace, l), err
}

func (k *kafka) send(ctx context.Context) error {
	return k.client.ProduceSync(ctx, &kgo.Record{Value: letters(small, 0)}).FirstErr()
}

// pacedByItsOwn knows whole milliseconds only, and needs a longer warm-up: its JVM is new.
func (k *kafka) pacedByItsOwn(ctx context.Context) (figures, error) {
	warm := 4 * pace
	out, err := k.tool(ctx, producerTool, "single", warm+int(k.span.Seconds()*pace), warm, pace, kafkaPrompt,
		"--record-size", strconv.Itoa(small))
	if err != nil {
		return nil, err
	}
	_, l, err := readProducer(out)
	return ofRow(rowOwn, pace, l), err
}

// filled is how many records are fetched: few for a look.
func (k *kafka) filled() int {
	if k.span < time.Second {
		return kafkaFill / 10
	}
	return kafkaFill
}

func (k *kafka) fetch(ctx context.Context) (figures, error) {
	n := k.filled()
	if _, err := k.tool(ctx, producerTool, "fetch", n, 0, -1, kafkaBatches, "--payload-file", k.payload); err != nil {
		return nil, err
	}
	out, err := output(ctx, k.env, k.kafka, "tool", consumerTool, "--bootstrap-server", k.bootstrap, "--topic", "fetch",
		"--num-records", strconv.Itoa(n), "--fetch-size", "10485760", "--show-detailed-stats", "--hide-header",
		"--reporting-interval", "100", "--command-property", "max.poll.records=5000")
	if err != nil {
		return nil, err
	}
	warm, whole, err := readConsumer(out)
	return figures{rowFetch: warm, rowFetchWhole: whole}, err
}
