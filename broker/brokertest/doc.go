// Package brokertest is the one contract suite of broker.Broker: memory, files and a Kafka cluster all pass it.
package brokertest
