package actor

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"flashq/group"
	"flashq/segment"
	"flashq/segment/batch"
)

// Fault is one thing that is wrong in a data folder.
type Fault = segment.Fault

// Checked sums up what Check has read.
type Checked struct {
	Topics, Partitions int
	Records, Bytes     int64 // of the topics
	Faults             int
	// MetadataLost tells that the metadata log can't be read whole, so that no broker starts in the folder: Repair
	// rebuilds it.
	MetadataLost bool
}

// ErrNoDataFolder is returned when a folder is none that a broker has made.
var ErrNoDataFolder = errors.New("no data folder of FlashQ")

// Check reads everything in a data folder that no broker has open, and changes nothing. found is told of each fault;
// names are below dir. An error means that nothing was checked.
func Check(dir string, found func(Fault)) (Checked, error) {
	c, err := openChecker(dir, found)
	if err != nil {
		return Checked{}, err
	}
	c.metadata()
	topics := c.topics()
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		c.topic(name, topics[name])
	}
	c.offsets()
	c.strangers(topics)
	return c.sum, c.lock.Release()
}

// checker is one check of a data folder.
type checker struct {
	fs     segment.FS
	lock   *segment.Lock
	folder folder
	names  []string         // in the data folder
	starts map[string]int64 // by partition folder
	found  func(Fault)
	sum    Checked
	known  catalog
}

// openChecker locks a data folder. One that is none is not made one.
func openChecker(dir string, found func(Fault)) (*checker, error) {
	if _, err := os.Stat(filepath.Join(dir, versionName)); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", dir, ErrNoDataFolder, err)
	}
	fs, err := segment.NewOS(dir)
	if err != nil {
		return nil, err
	}
	lock, err := segment.LockFolder(dir)
	if errors.Is(err, segment.ErrLocked) {
		return nil, fmt.Errorf("%w: stop the broker, or check a copy of the folder", err)
	}
	if err != nil {
		return nil, err
	}
	c := &checker{fs: fs, lock: lock, known: newCatalog()}
	c.found = func(f Fault) {
		c.sum.Faults++
		found(f)
	}
	c.starts, err = loadStarts(fs)
	if err != nil {
		c.found(Fault{Name: "log-start-offset-checkpoint", What: fmt.Sprintf("%v; the next start keeps it aside", err)})
	}
	if c.folder, err = openFolder(fs); err == nil {
		c.names, err = fs.ReadDir("")
	}
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return c, nil
}

// log checks the log in one folder.
func (c *checker) log(dir string, see func(batch.Batch) error, found func(Fault)) segment.Checked {
	return segment.Check{
		FS: c.fs, Dir: dir, Clean: c.folder.clean, PowerCut: c.folder.powerCut, LogStart: c.starts[dir], See: see,
		Found: found,
	}.Run()
}

// metadata learns what exists, as far as the metadata log can be read.
func (c *checker) metadata() {
	dir := partitionDir(metaTopic, 0)
	if !slices.Contains(c.names, dir) {
		c.sum.MetadataLost = isRepairCutShort(c.names) || len(topicsIn(c.fs, c.names, nil)) > 0
		if c.sum.MetadataLost {
			c.found(Fault{Name: dir, What: "is missing: nothing says which topics there are", Lost: true})
		}
		return
	}
	read := c.log(dir, c.known.apply, func(f Fault) {
		c.sum.MetadataLost = c.sum.MetadataLost || f.Lost
		c.found(f)
	})
	if what := c.folder.lost(c.names, c.known, read.Torn > 0); what != "" && !c.sum.MetadataLost {
		c.sum.MetadataLost = true
		c.found(Fault{Name: dir, What: what, Lost: true})
	}
}

// topics are what the metadata log says, or where that is lost, the folders.
func (c *checker) topics() map[string]metaRecord {
	if !c.sum.MetadataLost {
		return c.known.topics
	}
	topics := map[string]metaRecord{}
	for name, t := range topicsIn(c.fs, c.names, c.known.deleted) {
		topics[name] = metaRecord{ID: t.id, Partitions: t.partitions}
	}
	return topics
}

func (c *checker) topic(name string, m metaRecord) {
	c.sum.Topics++
	for i := range m.Partitions {
		dir := partitionDir(name, i)
		if !slices.Contains(c.names, dir) {
			c.found(Fault{Name: dir, What: "is missing: this partition can't be opened", Lost: true})
			continue
		}
		switch id, err := readTopicID(c.fs, dir); {
		case err != nil:
			c.found(Fault{Name: dir + "/" + metaName, What: "can't be read: " + err.Error()})
		case id != m.ID && id != "" && m.ID != "":
			c.found(Fault{Name: dir, What: errOtherTopic.Error(), Lost: true})
		}
		sum := c.log(dir, nil, c.found)
		c.sum.Partitions++
		c.sum.Records += sum.Records
		c.sum.Bytes += sum.Bytes
	}
}

// offsets reads what groups committed as the broker does.
func (c *checker) offsets() {
	for _, dir := range c.names {
		if isShardDir(dir) {
			shard := group.NewShard()
			c.log(dir, func(b batch.Batch) error {
				shard.Enter(b.LeaderEpoch())
				return shard.Replay(b)
			}, c.found)
		}
	}
}

// strangers tells of folders that belong to no topic. What a deletion left is none: the next start removes it.
func (c *checker) strangers(topics map[string]metaRecord) {
	for _, dir := range c.names {
		st, err := c.fs.Stat(dir)
		if err != nil || !st.Dir || dir == partitionDir(metaTopic, 0) || isShardDir(dir) || dir == "lost+found" ||
			isKeptAside(dir) || dir == partitionDir(metaTopic, 0)+freshLog {
			continue
		}
		if topic, i, ok := splitPartitionDir(dir); ok && i < topics[topic].Partitions {
			continue
		}
		if _, ok := c.known.isGoing(c.fs, dir); ok {
			continue
		}
		c.found(Fault{Name: dir, What: "belongs to no topic; a broker leaves it alone"})
	}
}
