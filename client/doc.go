// Package client speaks FlashQ's HTTP API: records, topics, groups and health. It knows the wire and nothing of the
// broker behind it, and needs net/http only.
//
//	c, err := client.New(client.Config{Server: "http://127.0.0.1:8080"})
//	...
//	defer c.Close()
//	_, err = c.Produce(ctx, "news", []client.ProducerRecord{{Key: []byte("anna"), Value: []byte("hello")}},
//		client.ProduceOptions{})
//	page, err := c.Fetch(ctx, "news", client.FetchOptions{FromOffset: "earliest"})
//
// What can go wrong comes in four kinds. An answer that is no success is an *Error, with the API's own words in it. No
// whole answer is ErrUnreachable: what a request that writes did is then unknown. An answer that is not the API's is
// ErrAnswer. A context that ended is that context's error.
//
// A Client retries nothing by itself, but a produce request with ProduceOptions.Retry, which then carries an
// Idempotency-Key from its first try on: lost connections, 409 idempotency_in_flight, 429 and 503 are tried again, and
// the records are stored once. A server that was never reached is not waited for.
//
// Bytes are kept as they are: a nil Key or Value is the API's null, an empty one its "", and what is no UTF-8 travels
// as base64 in both directions.
package client
