package dump

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"flashq/codec"
	"flashq/segment/batch"
	"flashq/slab"
)

// Options say what is looked at.
type Options struct {
	Records bool // single records too; those of FlashQ's and Kafka's own logs are always
}

// Sum is what was found in all.
type Sum struct{ Files, Faults int }

// ErrUnknown is returned for a file that is none of those that can be read, and for a folder without any.
var ErrUnknown = errors.New("no file that dump can read")

// Run says what stands in files, and in those of folders in the order of their names. It ends with see's first error,
// or with that of a file that can't be read; what is damaged is no error, it is counted.
func Run(paths []string, o Options, see func(Item) error) (Sum, error) {
	r := &run{Options: o, see: see, codecs: codec.New(mostWindow)}
	defer func() { slab.Put(r.room) }()
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return r.sum, err
		}
		if info.IsDir() {
			err = r.folder(path)
		} else {
			err = r.file(path)
		}
		if err != nil {
			return r.sum, err
		}
	}
	return r.sum, nil
}

// mostWindow bounds the memory that a compressed batch may ask for.
const mostWindow = 64 << 20

// run is one dump.
type run struct {
	Options

	see    func(Item) error
	codecs *codec.Set
	room   []byte // a slab for what is decompressed
	sum    Sum
}

// out is one file's items.
type out struct {
	*run

	path   string
	open   bool // a broker writes at its end
	kept   bool // it is what was cut off a log for being damaged
	faults int
}

func (o *out) say(kind string, fields ...Field) error {
	return o.see(Item{File: o.path, Type: kind, Fields: fields})
}

// within says what stands within the item before it.
func (o *out) within(kind string, fields []Field) error {
	return o.see(Item{File: o.path, Type: kind, Within: true, Fields: fields})
}

// fault says what is damaged, and counts it: what was kept aside is known to be.
func (o *out) fault(fields ...Field) error {
	if !o.kept {
		o.faults++
		o.sum.Faults++
	}
	return o.say("damage", fields...)
}

// damaged is a fault of the file as a whole.
func (o *out) damaged(format string, args ...any) error {
	return o.fault(Field{"what", Words(fmt.Sprintf(format, args...))})
}

const brokenSuffix = ".broken"

// kind is a kind of file.
type kind struct {
	name string
	is   func(name string) bool
	read func(o *out, f *os.File, size int64) error
}

func ends(suffix string) func(string) bool {
	return func(name string) bool { return strings.HasSuffix(name, suffix) }
}

func named(one ...string) func(string) bool {
	return func(name string) bool {
		for _, n := range one {
			if name == n {
				return true
			}
		}
		return false
	}
}

var kinds = []kind{
	{"log", func(name string) bool { return ends(".log")(name) || isQuorumSnapshot(name) }, (*out).log},
	{"torn tail", ends(brokenSuffix), (*out).log},
	{"offset index", ends(".index"), (*out).offsetIndex},
	{"time index", ends(".timeindex"), (*out).timeIndex},
	{"producers", ends(".snapshot"), small((*out).producers)},
	{"keys", ends(".keys"), small((*out).keys)},
	{"key notes", ends(".keynotes"), (*out).keyNotes},
	{"leader epochs", named("leader-epoch-checkpoint"), small((*out).epochs)},
	{"sealed segments", named("segments.checkpoint"), small((*out).sealed)},
	{"topic of the folder", named("partition.metadata"), small((*out).properties)},
	{"starts of logs", named("log-start-offset-checkpoint"), small((*out).offsets)},
	{"offsets of partitions", named("recovery-point-offset-checkpoint", "replication-offset-checkpoint",
		"cleaner-offset-checkpoint"), small((*out).caches)},
}

// isQuorumSnapshot tells of Kafka's snapshot of its own metadata, which is batches as well.
func isQuorumSnapshot(name string) bool {
	return ends(".checkpoint")(name) && name[0] >= '0' && name[0] <= '9'
}

// kindOf tells what a file is by its name, which Kafka changes when it deletes one.
func kindOf(path string) (kind, bool) {
	name := strings.TrimSuffix(filepath.Base(path), ".deleted")
	for _, k := range kinds {
		if k.is(name) {
			return k, true
		}
	}
	return kind{}, false
}

func (r *run) folder(dir string) error {
	before := r.sum.Files
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, ok := kindOf(path); !ok || !entry.Type().IsRegular() {
			return nil
		}
		err = r.file(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a broker that runs has removed it
		}
		return err
	})
	if err == nil && r.sum.Files == before {
		err = fmt.Errorf("%s: %w is in it", dir, ErrUnknown)
	}
	return err
}

func (r *run) file(path string) (err error) {
	k, ok := kindOf(path)
	if !ok {
		return fmt.Errorf("%s: %w; those: .log, .index, .timeindex, .snapshot, .keys, .keynotes, .broken, *-checkpoint, "+
			"segments.checkpoint, partition.metadata", path, ErrUnknown)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	r.sum.Files++
	o := &out{run: r, path: path, kept: ends(brokenSuffix)(path)}
	fields := []Field{{"kind", Words(k.name)}, {"size", size}}
	if o.open = (ends(".log")(path) || ends(".keynotes")(path)) && isOpen(path); o.open {
		fields = append(fields, Field{"note", Words("a broker has this folder open: what comes last may be under way")})
	}
	if err = o.say("file", fields...); err == nil {
		err = k.read(o, f, size)
	}
	return err
}

// mostSmall bounds files that are read whole.
const mostSmall = 1 << 30

// small is for files that are read whole.
func small(read func(*out, []byte) error) func(*out, *os.File, int64) error {
	return func(o *out, f *os.File, size int64) error {
		if size > mostSmall {
			return o.damaged("%d bytes are too many", size)
		}
		p, err := io.ReadAll(io.LimitReader(f, mostSmall))
		if err != nil {
			return err
		}
		return read(o, p)
	}
}

// codecName is what Kafka calls a batch's compression.
func codecName(b batch.Batch) Words { return Words(codec.Name(b)) }
