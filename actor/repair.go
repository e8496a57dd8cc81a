package actor

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"flashq/broker"
	"flashq/partition"
	"flashq/segment"
	"flashq/segment/batch"
)

// keptAside ends the name of a metadata log that Repair put aside; a number follows from the second one on.
const keptAside = ".broken"

func isKeptAside(dir string) bool {
	return strings.HasPrefix(dir, partitionDir(metaTopic, 0)+keptAside)
}

// freshLog ends the name of a metadata log that Repair has not put in its place yet.
const freshLog = ".new"

// isRepairCutShort tells that a repair ended after the old log was put aside, and before the new one took its place.
func isRepairCutShort(names []string) bool {
	return !slices.Contains(names, partitionDir(metaTopic, 0)) && slices.ContainsFunc(names, func(dir string) bool {
		return dir == partitionDir(metaTopic, 0)+freshLog || isKeptAside(dir)
	})
}

var errRepairCutShort = errors.New("is missing, since its repair was cut short")

// ErrNothingToRepair is returned when the metadata log can be read whole.
var ErrNothingToRepair = errors.New("the metadata log is whole: nothing to repair")

// MetadataError is returned by Open when the metadata log can't be read: what exists must not be guessed, so the broker
// does not start. Check tells more, and Repair rebuilds the log.
type MetadataError struct {
	File string // the first one that is damaged, below the data folder
	Err  error
}

func (e *MetadataError) Error() string {
	return fmt.Sprintf("the metadata log, which says what topics there are, is damaged: %s: %v", e.File, e.Err)
}

func (e *MetadataError) Unwrap() error { return e.Err }

// checkMeta refuses a folder whose metadata log is lost, which must not be taken for a new one. A log that is damaged
// is left to readCatalog.
func (b *Broker) checkMeta() error {
	log := partitionDir(metaTopic, 0)
	names, err := b.fs.ReadDir("")
	if err != nil {
		return err
	}
	if isRepairCutShort(names) {
		return &MetadataError{File: log, Err: errRepairCutShort}
	}
	known, damaged, read := newCatalog(), false, segment.Checked{}
	if slices.Contains(names, log) {
		read = segment.Check{
			FS: b.fs, Dir: log, Clean: b.folder.clean, PowerCut: b.folder.powerCut, See: known.apply,
			Found: func(f Fault) { damaged = damaged || f.Lost },
		}.Run()
	}
	if what := b.folder.lost(names, known, read.Torn > 0); what != "" && !damaged {
		return &MetadataError{File: log, Err: errors.New(what)}
	}
	return nil
}

// lost tells what shows that a metadata log which can be read is not all that there was; "" where nothing does. A topic
// gets records only after the log has it durably, and its folders go before the log forgets it. So no crash and no
// power cut leaves records of a topic beside a log that never named one, nor is a log torn that was closed well.
func (f folder) lost(names []string, known catalog, torn bool) string {
	if known.records > 0 && !(torn && f.clean) {
		return ""
	}
	dir := unnamed(f.fs, names, known)
	switch {
	case dir == "":
		return ""
	case !slices.Contains(names, partitionDir(metaTopic, 0)):
		return "is missing, and " + dir + " holds records of a topic"
	case known.records == 0:
		return "is empty, and " + dir + " holds records of a topic"
	default:
		return "is cut short, and " + dir + " holds records of a topic that it does not name"
	}
}

// unnamed finds a partition's folder with a topic id that known does not name, and records; "" when there is none. What
// has no topic id is a stranger's, and what can't be read is not judged.
func unnamed(fs segment.FS, names []string, known catalog) string {
	for _, dir := range names {
		topic, _, ok := splitPartitionDir(dir)
		if !ok {
			continue
		}
		id, err := readTopicID(fs, dir)
		if err == nil && id != "" && known.deleted[id] == "" && known.topics[topic].ID != id && holdsRecords(fs, dir) {
			return dir
		}
	}
	return ""
}

func holdsRecords(fs segment.FS, dir string) bool {
	names, err := fs.ReadDir(dir)
	return err == nil && slices.ContainsFunc(names, func(name string) bool {
		st, err := fs.Stat(dir + "/" + name)
		return err == nil && strings.HasSuffix(name, ".log") && st.Size > 0
	})
}

// readCatalog is readMeta, with an error that names the file.
func (b *Broker) readCatalog(p *partition.Partition) (catalog, error) {
	known, err := readMeta(p)
	if err == nil {
		return known, nil
	}
	damaged := &MetadataError{File: partitionDir(metaTopic, 0), Err: err}
	first := true
	scratch := newCatalog()
	segment.Check{FS: b.fs, Dir: damaged.File, See: scratch.apply, Found: func(f Fault) {
		if f.Lost && first {
			damaged.File, first = f.Name, false
		}
	}}.Run()
	return known, damaged
}

// Repair rebuilds a metadata log that can't be read, in a data folder that no broker has open: from the names of the
// folders and the topic ids in them. The old log is kept beside. did is told what was
// found and done, a line at a time.
func Repair(dir string, did func(line string)) error {
	var faults []Fault
	c, err := openChecker(dir, func(f Fault) { faults = append(faults, f) })
	if err != nil {
		return err
	}
	c.metadata()
	if c.sum.MetadataLost {
		for _, f := range faults {
			did(f.Name + ": " + f.What)
		}
		err = c.replace(did)
	} else {
		err = ErrNothingToRepair
	}
	return errors.Join(err, c.lock.Release())
}

// replace has a new log take the place of the one that is lost: one that an earlier repair made whole, or another.
func (c *checker) replace(did func(line string)) error {
	log := partitionDir(metaTopic, 0)
	if !isRepairCutShort(c.names) || !slices.Contains(c.names, log+freshLog) {
		return c.rebuild(did)
	}
	if err := errors.Join(c.fs.Rename(log+freshLog, log), c.fs.SyncDir("")); err != nil {
		return err
	}
	did(log + ": the repair that was cut short is finished")
	return nil
}

// rebuild writes the new log beside the old one, and lets it take its place only when it is whole and durable.
func (c *checker) rebuild(did func(line string)) error {
	log := partitionDir(metaTopic, 0)
	fresh := log + freshLog
	if err := errors.Join(c.fs.RemoveAll(fresh), c.fs.Mkdir(fresh)); err != nil {
		return err
	}
	topics := topicsIn(c.fs, c.names, c.known.deleted)
	lines, err := writeCatalog(c.fs, fresh, topics)
	if err != nil {
		return fmt.Errorf("%s: %w", fresh, err)
	}
	if slices.Contains(c.names, log) {
		aside := log + keptAside
		for n := 2; slices.Contains(c.names, aside); n++ {
			aside = log + keptAside + "-" + strconv.Itoa(n)
		}
		if err := c.fs.Rename(log, aside); err != nil {
			return err
		}
		did(fmt.Sprintf("%s: kept as %s", log, aside))
	}
	if err := errors.Join(c.fs.Rename(fresh, log), c.fs.SyncDir("")); err != nil {
		return err
	}
	for _, line := range append(lines, fmt.Sprintf("%s: rebuilt; topics: %d", log, len(topics))) {
		did(line)
	}
	return nil
}

// writeCatalog makes a metadata log of topics, and tells of each what it says.
func writeCatalog(fs segment.FS, dir string, topics map[string]folderTopic) (lines []string, err error) {
	p, _, err := partition.Open(partition.Config{FS: fs, Dir: dir, Retention: partition.Retention{Ms: -1, Bytes: -1}})
	if err != nil {
		return nil, err
	}
	now, defaults := moment(), DefaultConfig()
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		t := topics[name]
		id := "topic id " + t.id
		if t.id == "" {
			raw := uuid.New()
			t.id = base64.RawURLEncoding.EncodeToString(raw[:])
			id = "and a new topic id, since none was found: what groups committed in it does not count any more"
		}
		m := metaOf(t.id, broker.TopicConfig{
			Partitions: t.partitions, RetentionMs: -1, RetentionBytes: -1, SegmentBytes: defaults.SegmentBytes,
		})
		var b batch.Builder
		if err := encodeMeta(&b, now.Wall, name, m); err != nil {
			return nil, errors.Join(err, p.Close(true))
		}
		if err := p.Append(now, []*broker.Part{{Batch: b.Finish(), BrokerTime: true}}); err != nil {
			return nil, errors.Join(err, p.Close(true))
		}
		lines = append(lines, fmt.Sprintf("topic %s: partition count %d, %s; its settings are the defaults now: "+
			"records stay for ever", name, t.partitions, id))
	}
	return lines, p.Close(false)
}

// folderTopic is what the folders tell of a topic.
type folderTopic struct {
	id         string // "": none of them has one
	partitions int
}

// topicsIn finds the topics whose folders are there. Where the folders of a name have several ids, the one that most of
// them have is the topic's. A topic that is known to be deleted, by its id, is left out.
func topicsIn(fs segment.FS, names []string, deleted map[string]string) map[string]folderTopic {
	topics, votes := map[string]folderTopic{}, map[string]map[string]int{}
	for _, dir := range names {
		name, i, ok := splitPartitionDir(dir)
		st, err := fs.Stat(dir)
		if !ok || err != nil || !st.Dir {
			continue
		}
		id, err := readTopicID(fs, dir)
		if err != nil || deleted[id] != "" || id == "" && !hasLog(fs, dir) {
			continue
		}
		if votes[name] == nil {
			votes[name] = map[string]int{}
		}
		if votes[name][id]++; id == "" {
			votes[name][id] = 0 // any id is better than none
		}
		t := topics[name]
		t.partitions = max(t.partitions, i+1)
		topics[name] = t
	}
	for name, t := range topics {
		ids := slices.Sorted(maps.Keys(votes[name]))
		t.id = slices.MaxFunc(ids, func(a, b string) int { return votes[name][a] - votes[name][b] })
		topics[name] = t
	}
	return topics
}

// hasLog tells a partition's folder from a stranger's.
func hasLog(fs segment.FS, dir string) bool {
	names, err := fs.ReadDir(dir)
	return err == nil && slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".log") })
}

// mostPartitions is more than any topic has: a larger number in a folder's name is a date, or somebody's mistake.
const mostPartitions = 10_000

// splitPartitionDir reads the name of a partition's folder back; the broker's own logs are no topics.
func splitPartitionDir(dir string) (topic string, partition int, ok bool) {
	at := strings.LastIndexByte(dir, '-')
	if at < 1 || internal(dir) {
		return "", 0, false
	}
	i, err := strconv.Atoi(dir[at+1:])
	return dir[:at], i, err == nil && i >= 0 && i < mostPartitions && partitionDir(dir[:at], i) == dir
}
