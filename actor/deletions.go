package actor

import (
	"errors"
	"strconv"
	"strings"

	"flashq/broker"
	"flashq/segment"
)

// A deleted topic's folders get another name at once and go in the background. The metadata log remembers the topic
// until they are gone: only a folder whose name, topic id and the log agree is the broker's to remove.

// deletedDir is the name of a deleted partition's folder.
func deletedDir(id string, partition int) string {
	return id + "-" + strconv.Itoa(partition) + deleteMark
}

// isGoing tells whether a folder is of a topic whose deletion is not through yet: by its own name or by deletedDir's.
// removeFolder asks what is in it.
func (c catalog) isGoing(fs segment.FS, dir string) (id string, ok bool) {
	if base, marked := strings.CutSuffix(dir, deleteMark); marked {
		at := strings.LastIndexByte(base, '-')
		if at < 0 {
			return "", false
		}
		id = base[:at]
		i, err := strconv.Atoi(base[at+1:])
		return id, err == nil && deletedDir(id, i) == dir && c.isLeaving(id)
	}
	id, err := readTopicID(fs, dir)
	topic, _, named := splitPartitionDir(dir)
	return id, err == nil && id != "" && named && c.isLeaving(id) && c.deleted[id] == topic
}

// isLeaving tells of a topic that is deleted and may have folders yet.
func (c catalog) isLeaving(id string) bool { return c.deleted[id] != "" && !c.removed[id] }

func holdsID(fs segment.FS, dir, id string) bool {
	got, err := readTopicID(fs, dir)
	return err == nil && got == id
}

// retire removes the folders of a deleted topic, as often as it takes, and then has the metadata log forget the topic.
// What a stop cuts short goes on at the next start.
func (b *Broker) retire(id, name string, folders []string) {
	b.work.Go(func() {
		for _, dir := range folders {
			b.leaving.Store(dir, true)
		}
		for tries := 0; ; tries++ {
			err := b.removeAll(id, folders)
			if err == nil {
				err = b.record(name, metaRecord{ID: id, Deleted: true, Removed: true}, deletion)
			}
			if err == nil {
				return
			}
			b.owners.retries.Deletions.Add(1)
			b.config.Logger.Warn("deleted topic stays on disk for now", "topic", name, "id", id, "error", err)
			if !b.pause(backoff(tries)) {
				return
			}
		}
	})
}

// removeAll removes what is left of a deleted topic's folders, and makes that durable.
func (b *Broker) removeAll(id string, folders []string) error {
	var all error
	for _, dir := range folders {
		err := b.removeFolder(id, dir)
		if err == nil {
			b.leaving.Delete(dir)
		}
		all = errors.Join(all, err)
	}
	if all == nil {
		all = b.fs.SyncDir("")
	}
	return all
}

// removeFolder removes one folder if it is still the topic's. The topic id goes last: without it, nobody would know
// after a crash whose the rest is.
func (b *Broker) removeFolder(id, dir string) error {
	names, err := b.fs.ReadDir(dir)
	if errors.Is(err, segment.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(names) > 0 && !holdsID(b.fs, dir, id) {
		b.config.Logger.Warn("unknown folder is left alone", "folder", dir)
		return nil
	}
	if b.memory != nil { // knows no crash
		return b.fs.RemoveAll(dir)
	}
	for _, name := range names {
		if name == metaName {
			continue
		}
		if err := b.removeAny(dir + "/" + name); err != nil {
			return err
		}
	}
	return b.fs.RemoveAll(dir)
}

// removeAny removes a file, or a folder with what is in it.
func (b *Broker) removeAny(name string) error {
	err := b.fs.Remove(name)
	if err == nil || errors.Is(err, segment.ErrNotExist) {
		return nil
	}
	if st, unknown := b.fs.Stat(name); unknown == nil && st.Dir {
		return b.fs.RemoveAll(name)
	}
	return err
}

// finishDeletions goes on with deletions that were cut short, and reports folders that belong to no topic.
func (b *Broker) finishDeletions(known catalog) error {
	names, err := b.fs.ReadDir("")
	if err != nil {
		return err
	}
	mine := map[string]bool{partitionDir(metaTopic, 0): true, "lost+found": true}
	for name, m := range known.topics {
		for i := range m.Partitions {
			mine[partitionDir(name, i)] = true
		}
	}
	going := map[string][]string{}
	for _, dir := range names {
		st, err := b.fs.Stat(dir)
		if err != nil || !st.Dir || mine[dir] || isShardDir(dir) || isKeptAside(dir) {
			continue
		}
		if id, ok := known.isGoing(b.fs, dir); ok {
			going[id] = append(going[id], dir)
			continue
		}
		b.config.Logger.Warn("unknown folder is left alone", "folder", dir)
	}
	for id, name := range known.deleted {
		if known.isLeaving(id) {
			b.retire(id, name, going[id])
		}
	}
	return nil
}

// discard takes a deleted topic's folders out of the way at once and removes them later.
func (b *Broker) discard(t *topic) {
	folders := make([]string, len(t.actors))
	for i := range t.actors {
		from, to := partitionDir(t.name, i), deletedDir(t.id, i)
		if err := b.fs.Rename(from, to); err != nil {
			b.config.Logger.Warn("deleted topic keeps its folder's name for now", "folder", from, "error", err)
			to = from
			b.leaving.Store(from, true)
		}
		folders[i] = to
	}
	b.retire(t.id, t.name, folders)
}

// isLeaving tells that a folder is about to be removed, so that no topic may be made in it.
func (b *Broker) isLeaving(dir string) error {
	if _, ok := b.leaving.Load(dir); ok {
		return &broker.FolderError{Folder: dir, Leaving: true}
	}
	return nil
}
