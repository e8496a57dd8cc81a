package actor

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// cut shortens a file to so many bytes; less than 0 counts from its end.
func cut(t *testing.T, file string, to int64) {
	t.Helper()
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if to < 0 {
		to += st.Size()
	}
	if err := os.Truncate(file, to); err != nil {
		t.Fatal(err)
	}
}

// A folder whose metadata log is lost in whole or in part is not taken for a new one: the broker says so at every start
// and changes nothing, a check says the same, and a repair finds the topics.
func TestALostMetadataLogKeepsABrokerFromStarting(t *testing.T) {
	for name, row := range map[string]struct {
		lose func(t *testing.T, log string)
		want string
	}{
		"no folder": {func(t *testing.T, log string) { mustAll(t, os.RemoveAll(filepath.Dir(log))) }, "is missing, and "},
		"an empty folder": {func(t *testing.T, log string) {
			mustAll(t, os.RemoveAll(filepath.Dir(log)), os.Mkdir(filepath.Dir(log), 0o700))
		}, "is empty, and "},
		"an empty log":       {func(t *testing.T, log string) { cut(t, log, 0) }, "is empty, and "},
		"a torn first write": {func(t *testing.T, log string) { cut(t, log, 50) }, "is empty, and "},
		"junk":               {func(t *testing.T, log string) { mustAll(t, os.WriteFile(log, []byte("twelve bytes"), 0o600)) }, "is empty, and "},
		"a torn last write":  {func(t *testing.T, log string) { cut(t, log, -10) }, "is cut short, and "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := stopped(t)
			log := filepath.Join(dir, "__flashq_meta-0", "00000000000000000000.log")
			row.lose(t, log)
			before := listed(t, dir)
			for range 2 {
				_, err := Open(Config{Dir: dir})
				var lost *MetadataError
				if !errors.As(err, &lost) || lost.File != "__flashq_meta-0" || !strings.Contains(err.Error(), row.want) ||
					!strings.Contains(err.Error(), "-0 holds records of a topic") {
					t.Fatalf("%v", err)
				}
				if after := listed(t, dir); after != before {
					t.Errorf("a start that was refused left\n%s\nof\n%s", after, before)
				}
			}
			if sum, faults := checked(t, dir); !sum.MetadataLost || sum.Records != 4 || !strings.Contains(faults, "__flashq_meta-0: is ") {
				t.Errorf("%+v\n%s", sum, faults)
			}
			mustAll(t, Repair(dir, func(string) {}))
			wantWhole(t, dir)
		})
	}
}

func mustAll(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// listed names every file in a folder.
func listed(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	mustAll(t, filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	return strings.Join(names, "\n")
}

// What a first start may find is no lost log: folders of the system, a stranger's records, and what a creation left that
// was cut short before the log had the topic.
func TestAFirstStartAmongFolders(t *testing.T) {
	id := "version: 0\ntopic_id: Rm9nIG92ZXIgdGhlIGhpbA\n"
	synctest.Test(t, func(t *testing.T) {
		fs := segmenttest.New()
		for name, text := range map[string]string{
			"lost+found/x": "", "made-0/" + metaName: id, "made-0/00000000000000000000.log": "", "half-0/" + metaName: id,
			"mine-0/00000000000000000000.log": "no topic id", "old-0-delete/" + metaName: id,
			"old-0-delete/00000000000000000000.log": "on its way out", "photos-7/holiday": "x",
		} {
			dir, _, _ := strings.Cut(name, "/")
			mustAll(t, fs.Mkdir(dir))
			fs.SetBytes(name, []byte(text))
		}
		b := engine(t, fs, Config{})
		mustPut(t, makeTopic(t, b, "made", 1), 0, "x")
		mustAll(t, b.Close())
		wantValues(t, topicOf(t, engine(t, fs, Config{}), "made"), 0, "x")
	})
}

// A log that was torn when the broker was killed says nothing of folders that somebody put there.
func TestATornMetadataLogBesideAStrangersCopy(t *testing.T) {
	dir, other := stopped(t), stopped(t)
	mustAll(t, os.CopyFS(filepath.Join(dir, "copy-0"), os.DirFS(filepath.Join(other, "news-0"))),
		os.Remove(filepath.Join(dir, cleanName)))
	log, err := os.OpenFile(filepath.Join(dir, "__flashq_meta-0", "00000000000000000000.log"), os.O_APPEND|os.O_WRONLY, 0)
	mustAll(t, err)
	_, err = log.WriteString("torn")
	mustAll(t, err, log.Close())
	b, err := Open(Config{Dir: dir})
	mustAll(t, err)
	if found := b.Found(); found.Topics != 2 || found.Records != 4 {
		t.Errorf("%+v", found)
	}
	mustAll(t, b.Close())
	_, faults := checked(t, dir)
	if faults != "copy-0: belongs to no topic; a broker leaves it alone" {
		t.Error(faults)
	}
}

// No kill and no power cut, at any moment of a folder's first minutes, under any way to sync, leaves what looks like a
// lost metadata log.
func TestNoCrashLooksLikeALostMetadataLog(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 15))
	for _, fsync := range []Fsync{FsyncAlways, FsyncInterval, FsyncNever} {
		for _, op := range []segmenttest.Op{
			segmenttest.OpCreate, segmenttest.OpWrite, segmenttest.OpSync, segmenttest.OpSyncDir, segmenttest.OpRename,
			segmenttest.OpRemove,
		} {
			for nth, met := 1, true; met; nth++ {
				synctest.Test(t, func(t *testing.T) {
					fs := segmenttest.New()
					fs.FailFrom(op, nth, errDisk)
					b, err := Open(Config{FS: fs, Fsync: fsync})
					if err == nil {
						firstMinutes(b)
					}
					met = fs.Count(op) >= nth
					for _, disk := range []*segmenttest.FS{fs.Crash(nil), fs.Crash(rng), fs.Kill()} {
						if next, err := Open(Config{FS: disk, Fsync: fsync}); err != nil {
							t.Errorf("fsync %v, %s %d: the next start: %v", fsync, op, nth, err)
						} else {
							_ = next.Close()
						}
					}
					if b != nil {
						_ = b.Close() // its disk has failed
					}
				})
			}
		}
	}
}

// firstMinutes makes topics, writes to them and deletes one, as far as the disk lets it.
func firstMinutes(b *Broker) {
	for _, name := range []string{"first", "second"} {
		made, _, err := b.CreateTopic(context.Background(), name, broker.TopicChange{Partitions: 2})
		if err != nil {
			continue
		}
		for i := range 2 {
			_ = put(made.(*topic), i, "x") // may fail
		}
	}
	_ = b.DeleteTopic(context.Background(), "first")
	synctest.Wait()
}
