"""What OpenAPI can't say of a request that the broker takes: how parameters stand to each other, to the body, and to what
is stored. Cases that are meant to be refused stay as they are."""

import itertools
from pathlib import Path

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

STARTS = ["from_offset", "from_time", "position"]
LINE = '{"key":"anna","value":"book"}\n'
# One record batch of Kafka's, version 2, with one record.
BATCH = bytes.fromhex((Path(__file__).parent / "batch.hex").read_text()).decode("latin-1")


FRESH = itertools.count()


@schemathesis.serializer("application/vnd.kafka.recordbatch.v2", "application/x-ndjson", "application/jsonl")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def whole(value):
    """JSON Schema takes 5.0 for an integer; the broker wants it written as one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode == GenerationMode.NEGATIVE or is_meant_to_fail(case):
        return
    query = case.query if isinstance(case.query, dict) else {}
    query.pop("access_token", None)  # is for streams
    operation = case.operation.definition.raw.get("operationId", "")
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)
    if case.headers:
        if "Accept-Encoding" in case.headers:
            case.headers["Accept-Encoding"] = "gzip"  # what Python's client can read by itself
        if case.headers.get("Content-Encoding") not in (None, "", "identity"):
            case.headers["Content-Encoding"] = "identity"  # which the body is
        if "Idempotency-Key" in case.headers:  # one stands for one request
            case.headers["Idempotency-Key"] = f"key-{next(FRESH)}"
    settle(case, operation, query)
    if "etchRecords" in operation:
        fetch(operation, query, case.headers)
    elif "roduceRecords" in operation:
        produce(case, query)
    elif operation == "commitOffsets":
        commit(case.body)
    elif operation == "aliasCommitOffset":
        case.body["offset"] = 0
    elif operation == "putMember":
        join(case)


# The topic and the group that openapi.sh makes. The others come and go.
LASTING = {"topic": "news", "group": "billing"}
LASTED_BY = ("Records", "commitOffsets", "aliasCommitOffset", "aliasGetOffset", "putMember", "deleteMember")


def settle(case, operation, query):
    """Records and members are those of what lasts, which nobody deletes."""
    for kind, name in LASTING.items():
        if operation.endswith(LASTED_BY) or "Records" in operation:
            if kind in case.path_parameters:
                case.path_parameters[kind] = name
            if kind in query:
                query[kind] = name
        elif "elete" in operation and case.path_parameters.get(kind) == name:
            case.path_parameters[kind] = "other"


def is_meant_to_fail(case):
    return any(case.meta.is_negative_at(where) for where in ParameterLocation)


def join(case):
    """Who is no member yet says what it reads."""
    if isinstance(case.body, dict):
        case.body["topics"] = [LASTING["topic"]]
    else:
        case.media_type, case.body = "application/json", {"topics": ["news"]}


def fetch(operation, query, headers):
    """A fetch has one start, which is no stream's, and waits for a moment only; a member needs a group."""
    starts = [name for name in STARTS if name in query]
    if operation == "aliasFetchRecordsFrom":
        starts = ["from_time"] + [name for name in starts if name != "from_time"]
    drop = starts[1:] + ["follow", "last_event_id", "ack"]
    if "group" not in query:
        drop += ["member", "session_ms"]
    if "member" not in query:
        drop += ["session_ms"]
    for name in drop:
        query.pop(name, None)
    if "timeout_ms" in query:
        query["timeout_ms"] = min(int(query["timeout_ms"]), 20)
    if "position" in query:
        query["position"] = "0:0"


def produce(case, query):
    """What a raw body needs its query for, other records say themselves."""
    raw = case.media_type in ("text/plain", "application/octet-stream")
    if not raw or "key" in query:
        query.pop("key_base64", None)
    if not raw:
        query.pop("key", None)
    query.pop("timestamp", None)  # which may be in the future
    if "partition" in query:
        query["partition"] = 0
    if case.media_type == "application/vnd.kafka.recordbatch.v2":
        query["partition"] = 0
        case.query = query
        case.body = BATCH
    elif case.media_type in ("application/x-ndjson", "application/jsonl"):
        case.body = LINE
    elif not raw and isinstance(case.body, dict):
        for record in case.body.get("records", []):
            record.pop("timestamp", None)
            record.pop("partition", None)


def commit(body):
    """Offsets are of records that are there, each partition once, and a member says since when."""
    body.pop("member", None)
    body.pop("generation", None)
    seen = {}
    for item in body["offsets"]:
        item["topic"] = LASTING["topic"]
        if "partition" in item:
            item["partition"] = 0
        if "offset" in item:
            item["offset"] = 0
        else:
            item["at"] = "earliest"  # JSON Schema knows no integers that end
        seen[(item["topic"], item.get("partition"))] = item
    body["offsets"] = list(seen.values())
