package fetch

import (
	"strconv"

	"flashq/broker"
	"flashq/http/request"
)

// suit judges what a query says by the form of the answer, and sets what that implies.
func (q *Query) suit(m request.Media, topic broker.Topic) error {
	switch m.Format {
	case request.Raw:
		return q.suitRaw(m.Name)
	case request.Batches:
		return q.suitBatches(m.Name, topic.Config().Partitions)
	}
	return nil
}

func (q *Query) suitRaw(media string) error {
	switch {
	case q.Encoding != "":
		return request.BadParam("encoding", "is about JSON; "+media+" is a value's bytes as they are")
	case q.MostGiven && q.Most.Records != 1:
		return request.BadParam("max_records", "can only be 1 with "+media+", which is one record's value")
	}
	q.Most.Records = 1
	return nil
}

func (q *Query) suitBatches(media string, partitions int) error {
	switch {
	case q.Encoding != "":
		return request.BadParam("encoding", "is about JSON; "+media+" is batches as they are stored")
	case q.Shape.NoHeaders:
		return request.BadParam("include_headers", "must be true with "+media+", which is batches as they are stored")
	case len(q.Partitions) != 1 && (q.Partitions != nil || partitions > 1):
		return request.BadParam("partition", "must name one partition with "+media+", of the topic's "+
			strconv.Itoa(partitions))
	}
	return nil
}
