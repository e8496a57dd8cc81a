#!/usr/bin/env bash
# peer.sh runs real Apache Kafka from the jars in $FLASHQ_KAFKA_LIBS (`make kafka` installs them).
#
#   peer.sh tool CLASS ARGS...   one of Kafka's own tools, such as org.apache.kafka.tools.DumpLogSegments
#   peer.sh format DIR PORT      makes DIR/server.properties and an empty DIR/data for one node
#   peer.sh serve DIR PORT       that node on 127.0.0.1:PORT, its controller on PORT+1, in the foreground
#
# FLASHQ_KAFKA_JVM replaces the JVM's options, which suit short tests.
#
# Every verb ends as the Java process it becomes, so that whoever started it holds its pid and its exit status.
set -euo pipefail

usage() { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }

run() { # heap, log level, class, arguments
	local heap=$1 level=$2
	shift 2
	# shellcheck disable=SC2086 # options
	exec java "-Xmx$heap" ${FLASHQ_KAFKA_JVM:--XX:+UseSerialGC} -Djava.awt.headless=true -Dfile.encoding=UTF-8 \
		-Dsun.stdout.encoding=UTF-8 "-Dkafka.log.level=$level" -Dlog4j2.configurationFile="$here/log4j2.properties" \
		-cp "$FLASHQ_KAFKA_LIBS/*" "$@"
}

properties() { # directory, port
	local dir=$1 port=$2 controller=$(($2 + 1))
	cat <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.bootstrap.servers=127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		controller.listener.names=CONTROLLER
		inter.broker.listener.name=PLAINTEXT
		log.dirs=$dir/data
		log.retention.ms=-1
		auto.create.topics.enable=false
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		log.cleaner.dedupe.buffer.size=4194304
	END
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${FLASHQ_KAFKA_LIBS:?is the folder with the jars of Kafka}"
case ${1:-} in
tool)
	[ $# -ge 2 ] || usage
	shift
	run 512m ERROR "$@"
	;;
format)
	[ $# -eq 3 ] || usage
	mkdir -p "$2"
	properties "$2" "$3" >"$2/server.properties"
	run 256m ERROR kafka.tools.StorageTool format --standalone -t AAAAAAAAQACAAAAAAAAAAQ -c "$2/server.properties"
	;;
serve)
	[ $# -eq 3 ] || usage
	run 1g WARN kafka.Kafka "$2/server.properties"
	;;
*) usage ;;
esac
