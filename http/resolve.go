package http

import "flashq/broker"

// place is a partition of a topic; partition -1 is all of it.
type place struct {
	topic     string
	partition int
}

// resolve gives every partition that is meant its offset. An item that names a partition goes before one that means the
// whole topic; two of the same kind for one place contradict each other.
func (s *Server) resolve(items []commitItem) ([]broker.CommitOffset, error) {
	named := map[place]bool{}
	for i, item := range items {
		p := place{item.topic, item.partition}
		if named[p] {
			return nil, atIndex(&apiError{
				status: 400, code: "validation_error", message: "The same partition is given twice",
				details: details{"field": "offsets"},
			}, i)
		}
		named[p] = true
	}
	var all []broker.CommitOffset
	for i, item := range items {
		var err error
		if all, err = s.resolveItem(all, item, named); err != nil {
			return nil, atIndex(aboutTopic(err, item.topic), i)
		}
		if len(all) > maxCommits {
			return nil, tooManyCommits(len(all))
		}
	}
	return all, nil
}

// resolveItem appends the partitions that one item means.
func (s *Server) resolveItem(
	all []broker.CommitOffset, item commitItem, named map[place]bool,
) ([]broker.CommitOffset, error) {
	topic, err := s.topic(item.topic)
	if err != nil {
		return all, err
	}
	partitions := topic.Config().Partitions
	if item.partition >= partitions {
		return all, partitionNotFound(item.topic, item.partition, partitions)
	}
	for p := range partitions {
		if item.partition >= 0 && item.partition != p || item.partition < 0 && named[place{item.topic, p}] {
			continue
		}
		offset, err := s.resolveOne(topic, item, p)
		if err != nil {
			return all, err
		}
		all = append(all, broker.CommitOffset{Topic: item.topic, Partition: p, Offset: offset, Metadata: item.metadata})
	}
	return all, nil
}

func (s *Server) resolveOne(topic broker.Topic, item commitItem, partition int) (int64, error) {
	if item.at == "" {
		return item.offset, nil
	}
	millis := int64(0)
	if item.at != "latest" && item.at != "earliest" {
		var err error
		if millis, err = timeField("at", item.at); err != nil {
			return 0, err
		}
	}
	v, err := s.offsetAt(topic, partition, item.at, millis)
	return v.Offset, err
}
