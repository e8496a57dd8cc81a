package actor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashq/broker"
)

// stopped is a data folder that a broker with topics a-b (3 partitions) and news has left, with a commit of g in news.
func stopped(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for name, partitions := range map[string]int{"a-b": 3, "news": 1} {
		topic, _, err := b.CreateTopic(t.Context(), name, broker.TopicChange{Partitions: partitions, RetentionMs: new(int64(1e15))})
		if err != nil {
			t.Fatal(err)
		}
		for i := range partitions {
			if err := topic.Append([]broker.Part{part(i, name)}, broker.How{Sync: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := broker.Commit{Group: "g", Create: true, Offsets: []broker.CommitOffset{{Topic: "news", Offset: 1}}}
	if _, err := b.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// spoil flips a bit of the first log in a folder.
func spoil(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "00000000000000000000.log")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[70] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checked(t *testing.T, dir string) (Checked, string) {
	t.Helper()
	var faults []string
	sum, err := Check(dir, func(f Fault) { faults = append(faults, f.Name+": "+f.What) })
	if err != nil {
		t.Fatal(err)
	}
	if sum.Faults != len(faults) {
		t.Errorf("%d faults counted, %q told", sum.Faults, faults)
	}
	return sum, strings.Join(faults, "\n")
}

func TestACheckReadsEveryPartition(t *testing.T) {
	dir := stopped(t)
	sum, faults := checked(t, dir)
	if faults != "" || sum.Topics != 2 || sum.Partitions != 4 || sum.Records != 4 || sum.Bytes == 0 || sum.MetadataLost {
		t.Errorf("%+v\n%s", sum, faults)
	}
	spoil(t, filepath.Join(dir, "a-b-2"))
	commits, err := filepath.Glob(filepath.Join(dir, "__consumer_offsets-*"))
	if err != nil || len(commits) != 1 {
		t.Fatal(commits, err)
	}
	spoil(t, commits[0])
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "a-b-1")), os.Mkdir(filepath.Join(dir, "stray-0"), 0o700),
		os.Mkdir(filepath.Join(dir, "old-0-delete"), 0o700)); err != nil {
		t.Fatal(err)
	}
	_, faults = checked(t, dir)
	for _, want := range []string{
		"a-b-1: is missing", "a-b-2/00000000000000000000.log: offset 0 is damaged",
		filepath.Base(commits[0]) + "/00000000000000000000.log: offset 0 is damaged", "stray-0: belongs to no topic",
		"old-0-delete: belongs to no topic", // no topic that was deleted has its id
	} {
		if !strings.Contains(faults, want) {
			t.Errorf("no %q in\n%s", want, faults)
		}
	}
	if n := strings.Count(faults, "\n") + 1; n != 5 {
		t.Errorf("%d faults:\n%s", n, faults)
	}
}

// Another topic's folder under a topic's name is not read as that topic.
func TestACheckTellsTopicsApartByTheirIds(t *testing.T) {
	dir, other := stopped(t), stopped(t)
	if err := os.Rename(filepath.Join(dir, "news-0"), filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "news-0"), os.DirFS(filepath.Join(other, "news-0"))); err != nil {
		t.Fatal(err)
	}
	if _, faults := checked(t, dir); !strings.Contains(faults, "news-0: the folder belongs to another topic of the same name") {
		t.Error(faults)
	}
}

func TestACheckIsRefused(t *testing.T) {
	dir := stopped(t)
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []func() error{
		func() error { _, err := Check(dir, func(Fault) {}); return err },
		func() error { return Repair(dir, func(string) {}) },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "is locked by pid") {
			t.Errorf("while a broker runs: %v", err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	stranger := t.TempDir()
	for _, dir := range []string{stranger, filepath.Join(stranger, "nowhere")} {
		if _, err := Check(dir, nil); !errors.Is(err, ErrNoDataFolder) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if names, err := os.ReadDir(stranger); err != nil || len(names) > 0 {
		t.Errorf("left in a stranger's folder: %v, %v", names, err)
	}
	if err := Repair(dir, func(string) {}); !errors.Is(err, ErrNothingToRepair) {
		t.Errorf("a good folder: %v", err)
	}
}

// A damaged metadata log keeps a broker from starting and names itself; after a repair everything but the settings is
// as it was, commits included, and the damaged log is kept, also a second one.
func TestADamagedMetadataLogIsRebuilt(t *testing.T) {
	dir := stopped(t)
	for round := range 2 {
		spoil(t, filepath.Join(dir, "__flashq_meta-0"))
		_, err := Open(Config{Dir: dir})
		var damaged *MetadataError
		if !errors.As(err, &damaged) || damaged.File != "__flashq_meta-0/00000000000000000000.log" {
			t.Fatalf("%v", err)
		}
		if sum, _ := checked(t, dir); !sum.MetadataLost || sum.Partitions != 4 {
			t.Errorf("%+v", sum)
		}
		var lines []string
		if err := Repair(dir, func(line string) { lines = append(lines, line) }); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(lines, "\n"); !strings.Contains(all, "topic a-b: partition count 3") || !strings.Contains(all, "defaults") {
			t.Error(all)
		}
		aside := []string{"__flashq_meta-0.broken", "__flashq_meta-0.broken-2"}[round]
		if _, err := os.Stat(filepath.Join(dir, aside, "00000000000000000000.log")); err != nil {
			t.Error(err)
		}
		if sum, faults := checked(t, dir); faults != "" || sum.Records != 4 {
			t.Errorf("%+v\n%s", sum, faults)
		}
		wantWhole(t, dir)
	}
}

// wantWhole starts a broker on what stopped left.
func wantWhole(t *testing.T, dir string) {
	t.Helper()
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if found := b.Found(); found.Topics != 2 || found.Partitions-found.Failed < 4 || found.Records != 4 || found.Failed > 0 {
		t.Errorf("%+v", found)
	}
	topic, err := b.Topic(t.Context(), "a-b")
	if err != nil || topic.Config().Partitions != 3 || topic.Config().RetentionMs != -1 {
		t.Errorf("%v", err)
	}
	g, err := b.Group(t.Context(), "g", "news")
	if err != nil || len(g.Offsets) != 1 || g.Offsets[0].Offset != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// Without its metadata log a folder is no new one: the topics in it are found.
func TestALostMetadataLogIsRebuilt(t *testing.T) {
	dir := stopped(t)
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "__flashq_meta-0")), // one id of three is enough
		os.Remove(filepath.Join(dir, "a-b-0", "partition.metadata")),
		os.Remove(filepath.Join(dir, "a-b-2", "partition.metadata"))); err != nil {
		t.Fatal(err)
	}
	if sum, faults := checked(t, dir); !sum.MetadataLost || !strings.Contains(faults, "__flashq_meta-0: is missing") {
		t.Errorf("%+v\n%s", sum, faults)
	}
	if err := Repair(dir, func(string) {}); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, dir)
}

// A repair that was killed between its two renames leaves no metadata log: a broker does not take the folder for a new
// one, and the next repair finishes it.
func TestARepairThatWasCutShort(t *testing.T) {
	for _, made := range []bool{true, false} { // the new log is there still
		dir := stopped(t)
		log := filepath.Join(dir, "__flashq_meta-0")
		spoil(t, log)
		if err := Repair(dir, func(string) {}); err != nil {
			t.Fatal(err)
		}
		err := os.Rename(log, log+".new")
		if !made {
			err = os.RemoveAll(log + ".new")
		}
		if err != nil {
			t.Fatal(err)
		}
		var damaged *MetadataError
		if _, err := Open(Config{Dir: dir}); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("%v", err)
		}
		if sum, faults := checked(t, dir); !sum.MetadataLost || !strings.Contains(faults, "__flashq_meta-0: is missing") {
			t.Errorf("%+v\n%s", sum, faults)
		}
		var lines []string
		if err := Repair(dir, func(line string) { lines = append(lines, line) }); err != nil {
			t.Fatal(err)
		}
		if finished := strings.Contains(strings.Join(lines, "\n"), "cut short is finished"); finished != made {
			t.Errorf("%q", lines)
		}
		wantWhole(t, dir)
	}
}

// A topic in whose folders no id stands gets a new one, and that is said: commits in it were of another topic.
func TestATopicWithoutAnIdGetsANewOne(t *testing.T) {
	dir := stopped(t)
	if err := os.Remove(filepath.Join(dir, "news-0", "partition.metadata")); err != nil {
		t.Fatal(err)
	}
	spoil(t, filepath.Join(dir, "__flashq_meta-0"))
	var lines []string
	if err := Repair(dir, func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(lines, "\n"); !strings.Contains(all, "topic news: partition count 1, and a new topic id") {
		t.Error(all)
	}
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if found := b.Found(); found.Records != 4 || found.Failed > 0 {
		t.Errorf("%+v", found)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, faults := checked(t, dir); faults != "" {
		t.Error(faults)
	}
}

// What mends itself at the next start is told, and no reason to rebuild anything.
func TestATornMetadataLogNeedsNoRepair(t *testing.T) {
	dir := stopped(t)
	file, err := os.OpenFile(filepath.Join(dir, "__flashq_meta-0", "00000000000000000000.log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("torn")
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if sum, faults := checked(t, dir); sum.MetadataLost || !strings.Contains(faults, "4 bytes of a write that was cut short") {
		t.Errorf("%+v\n%s", sum, faults)
	}
	if err := Repair(dir, func(string) {}); !errors.Is(err, ErrNothingToRepair) {
		t.Error(err)
	}
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if found := b.Found(); found.Topics != 2 || found.Failed > 0 {
		t.Errorf("%+v", found)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// The folder of a topic whose deletion a crash cut short is the next start's to remove: it is no fault, and a repair
// does not bring it back.
func TestARepairBringsNoDeletedTopicBack(t *testing.T) {
	dir := stopped(t)
	b, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	gone := makeTopic(t, b, "gone", 1)
	if err := errors.Join(b.record("gone", metaRecord{ID: gone.id, Deleted: true}, deletion), b.Close()); err != nil {
		t.Fatal(err)
	}
	if _, faults := checked(t, dir); faults != "" {
		t.Error(faults)
	}
	spoil(t, filepath.Join(dir, "__flashq_meta-0"))
	var lines []string
	if err := Repair(dir, func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, "topic gone") || !strings.Contains(all, "topic news") {
		t.Error(all)
	}
}

// A partition whose folder is gone keeps its number, and folders that are no partitions make no topics.
func TestARepairGoesByPartitionsNumbers(t *testing.T) {
	dir := stopped(t)
	spoil(t, filepath.Join(dir, "__flashq_meta-0"))
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "a-b-1")), os.Mkdir(filepath.Join(dir, "photos-7"), 0o700),
		os.CopyFS(filepath.Join(dir, "news-20260115"), os.DirFS(filepath.Join(dir, "news-0")))); err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := Repair(dir, func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(lines, "\n")
	for want, is := range map[string]bool{
		"topic a-b: partition count 3,": true, "topic news: partition count 1,": true, "topics: 2": true, "photos": false,
	} {
		if strings.Contains(all, want) != is {
			t.Errorf("%q %v in\n%s", want, !is, all)
		}
	}
	_, faults := checked(t, dir)
	for _, want := range []string{"a-b-1: is missing", "photos-7: belongs to no topic", "news-20260115: belongs to no topic"} {
		if !strings.Contains(faults, want) {
			t.Errorf("no %q in\n%s", want, faults)
		}
	}
}

func TestACheckTellsOfSpoiledLogStarts(t *testing.T) {
	dir := stopped(t)
	if err := os.WriteFile(filepath.Join(dir, logStartsFile), []byte("0\n1\nnews 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum, faults := checked(t, dir); sum.Faults != 1 || !strings.HasPrefix(faults, logStartsFile+": ") {
		t.Errorf("%+v %s", sum, faults)
	}
}
