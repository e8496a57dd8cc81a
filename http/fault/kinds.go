package fault

// Kind is one error code of the surface. Kinds are made here only, and compared by address.
type Kind struct {
	Code      string // what a program reads: "topic_not_found"
	Status    int
	Retryable bool   // the same request may do better later
	When      string // it is returned when ...
}

// all are the kinds, in the order in which they are made: by status.
var all []*Kind

// Kinds lists every error that the surface knows, by status.
func Kinds() []*Kind { return all }

func kind(status int, code, when string) *Kind {
	k := &Kind{Code: code, Status: status, Retryable: status == 429 || status == 503, When: when}
	all = append(all, k)
	return k
}

// retry makes a kind one that a later try may do better with.
func retry(k *Kind) *Kind {
	k.Retryable = true
	return k
}

// What is wrong with a request. Where one code has two statuses, as in the contract, it has two kinds.
var (
	InvalidRequest   = kind(400, "invalid_request", "the bytes could not be read as an HTTP request")
	InvalidJSON      = kind(400, "invalid_json", "the body is not JSON, not UTF-8, or holds a lone surrogate")
	InvalidParameter = kind(400, "invalid_parameter", "a query parameter is unknown, given twice, or has a bad value")
	OutOfRange       = kind(400, "validation_error", "a value has the right type and can't be taken, or a name is bad")
	InvalidOffset    = kind(400, "invalid_offset", "an offset is no offset of its partition")

	Unauthorized     = kind(401, "unauthorized", "there is no token, or none that is known: see WWW-Authenticate")
	Forbidden        = kind(403, "forbidden", "the token may not do that, or the Host is not this machine's")
	OriginNotAllowed = kind(403, "origin_not_allowed", "a page of another origin asked for a change")

	TopicNotFound     = kind(404, "topic_not_found", "the topic does not exist")
	PartitionNotFound = kind(404, "partition_not_found", "the topic has no such partition")
	GroupNotFound     = kind(404, "group_not_found", "the group does not exist")
	MemberNotFound    = kind(404, "member_not_found", "the group has no such member, or its lease has ended")
	NotFound          = kind(404, "not_found", "there is no such route")

	MethodNotAllowed = kind(405, "method_not_allowed", "the route takes other methods: see Allow")
	NotAcceptable    = kind(406, "not_acceptable", "no answer format of the route is in Accept")
	RequestTimeout   = kind(408, "request_timeout", "the body did not arrive in time")

	Conflict            = kind(409, "conflict", "a limit of what may exist is reached, or something stands in the way")
	GroupActive         = kind(409, "group_active", "the group has live members, and this is for them or for nobody")
	Fenced              = kind(409, "fenced", "the member does not hold the partition, or not without a break")
	KeyInFlight         = retry(kind(409, "idempotency_in_flight", "a request with this Idempotency-Key is under way"))
	OutOfOrderSequence  = kind(409, "out_of_order_sequence", "a producer's batch does not go on where its last one ended")
	ProducerFenced      = kind(409, "producer_fenced", "a producer's batch is of an epoch that was left behind")
	PartitionsImmutable = kind(409, "partitions_immutable", "the topic exists with another partition count")

	BodyTooLarge         = kind(413, "body_too_large", "the body is larger than this broker ever takes")
	UnsupportedMediaType = kind(415, "unsupported_media_type", "the body's type, charset or coding is not taken")

	WrongType     = kind(422, "validation_error", "a member of the body is missing, unknown, or of the wrong type")
	InvalidRecord = kind(422, "record_validation_error", "a record is JSON, but not a record")
	KeyReused     = kind(422, "idempotency_key_reused", "the Idempotency-Key stands for another request")
	CorruptBatch  = kind(422, "corrupt_batch", "a record batch is not what its header or checksum says")
	NotSupported  = kind(422, "not_supported", "the engine can't do that")

	Overloaded      = kind(429, "overloaded", "a bound on what may be under way is reached: the message says which")
	HeadersTooLarge = kind(431, "headers_too_large", "the request's head is larger than 16 KiB")

	Internal    = kind(500, "internal_error", "the broker has a bug: the log says more")
	CorruptData = kind(500, "corrupt_data", "the records that were asked for are damaged, and nothing else was")

	Recovering      = kind(503, "recovering", "the broker is starting and reads its log")
	Draining        = kind(503, "draining", "the broker is shutting down")
	DiskFull        = kind(503, "disk_full", "the disk has no room; nothing was stored")
	StorageError    = kind(503, "storage_error", "the partition's storage failed")
	TooManyFiles    = kind(503, "too_many_open_files", "the broker has no file descriptor left")
	PartiallyStored = kind(503, "partially_stored", "some partitions stored their records and others could not")
)
