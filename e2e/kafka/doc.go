// Package kafka owns the judgement of Apache Kafka on FlashQ's files: its own dump tool must find every byte in order,
// and a Kafka broker must serve a folder of ours as if it had written it. It needs Java and the jars in
// FLASHQ_KAFKA_LIBS, which `make kafka` installs; without them its tests don't run.
package kafka
