package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// slowDisk stands for the kernel below syncs: it counts, and holds back what it is asked for until it is let go on.
type slowDisk struct {
	goOn                     chan struct{}
	failWhole                error
	running, wholes, singles atomic.Int64

	mu    sync.Mutex
	most  int64 // that ran at a time
	order []int // of those who were synced alone
}

func (d *slowDisk) covers(*os.File) bool   { return true }
func (d *slowDisk) coversName(string) bool { return true }

func (d *slowDisk) sync() error {
	d.wholes.Add(1)
	d.wait()
	return d.failWhole
}

func (d *slowDisk) wait() {
	n := d.running.Add(1)
	d.mu.Lock()
	d.most = max(d.most, n)
	d.mu.Unlock()
	<-d.goOn
	d.running.Add(-1)
}

// one gives what syncs the i-th file alone.
func (d *slowDisk) one(i int) func() error {
	return func() error {
		d.singles.Add(1)
		d.mu.Lock()
		d.order = append(d.order, i)
		d.mu.Unlock()
		d.wait()
		return nil
	}
}

// ask has n files synced, one more waiting at a time; covered tells which ones the whole includes.
func ask(s *syncs, d *slowDisk, n int, covered func(i int) bool) chan error {
	answers := make(chan error, n)
	for i := range n {
		go func() { answers <- s.run(covered(i), d.one(i)) }()
		synctest.Wait()
	}
	return answers
}

func never(int) bool  { return false }
func always(int) bool { return true }

// However many ask, few sync at a time, and who waits longest is next.
func TestSyncsShareFewTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{goOn: make(chan struct{})}
		s := newSyncs(2, d)
		answers := ask(s, d, 300, never)
		for range 300 {
			d.goOn <- struct{}{}
			synctest.Wait()
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		if d.most != 2 || d.wholes.Load() != 0 {
			t.Errorf("%d at a time, %d of the whole", d.most, d.wholes.Load())
		}
		for i, got := range d.order {
			if got != i {
				t.Fatalf("place %d in line was served as number %d", got, i)
			}
		}
		if s.free != 2 {
			t.Errorf("%d turns are free of 2", s.free)
		}
	})
}

// A long line is served by one sync of the whole, but for those whom it does not cover. A short one is not.
func TestManySyncsShareOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{goOn: make(chan struct{})}
		s := newSyncs(1, d)
		answers := ask(s, d, 1000, func(i int) bool { return i%100 != 50 })
		close(d.goOn)
		for range 1000 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
		if d.wholes.Load() != 1 || d.singles.Load() != 11 { // the first, and ten that are elsewhere
			t.Errorf("%d syncs of the whole, %d of one file", d.wholes.Load(), d.singles.Load())
		}
		d.goOn = make(chan struct{})
		answers = ask(s, d, wholeFrom, always)
		close(d.goOn)
		for range wholeFrom {
			<-answers
		}
		if d.wholes.Load() != 1 || s.free != 1 {
			t.Errorf("%d syncs of the whole for a short line; %d turns are free of 1", d.wholes.Load(), s.free)
		}
	})
}

// A sync of the whole that failed has failed for all whom it covered, and is not done again: the next one would hide
// what the kernel has told once.
func TestFailedSyncOfTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &slowDisk{goOn: make(chan struct{}), failWhole: syscall.EIO}
		s := newSyncs(1, d)
		count := func(answers chan error, n int) (failed int) {
			for range n {
				if errors.Is(<-answers, syscall.EIO) {
					failed++
				}
			}
			return failed
		}
		answers := ask(s, d, 101, always)
		close(d.goOn)
		if failed := count(answers, 101); failed != 100 {
			t.Errorf("%d failed of 100", failed)
		}
		d.failWhole, d.goOn = nil, make(chan struct{})
		answers = ask(s, d, 101, always)
		close(d.goOn)
		if failed := count(answers, 101); failed != 0 || d.wholes.Load() != 1 {
			t.Errorf("%d failed, %d syncs of the whole", failed, d.wholes.Load())
		}
	})
}

// A new segment's file and its folder's entry stand in line once: a sync of the whole covers both.
func TestAFileAndItsFolderShareATurn(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	disk.syncs = newSyncs(1, &slowDisk{})
	if err := disk.Mkdir("t-0"); err != nil {
		t.Fatal(err)
	}
	l, _, err := Open(Config{FS: disk, Dir: "t-0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abandon()
	disk.syncs.wait(false) // the one turn
	done := make(chan error, 1)
	go func() { done <- l.SyncJob().Run() }()
	for served := false; !served; runtime.Gosched() {
		disk.syncs.mu.Lock()
		for _, w := range disk.syncs.takeCovered() {
			w.turn <- outcome{done: true}
			served = true
		}
		disk.syncs.mu.Unlock()
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it stands in line again")
		disk.syncs.leave()
	}
}

// Readers leave a few of the files that may be open to what has to be made; who closes one makes room.
func TestOpenFilesAreBounded(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fs := disk.Within(Limits{Files: 6})
	var open []File
	add := func(f File, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, f)
	}
	add(fs.Create("a"))
	add(fs.Open("a"))
	if _, err := fs.Open("a"); !IsUntried(err) || IsNoSpace(err) {
		t.Fatalf("a third file to read: %v", err)
	}
	for i := range 4 {
		add(fs.Create(fmt.Sprint(i)))
	}
	if _, err := fs.Create("b"); !IsUntried(err) {
		t.Fatalf("a seventh file: %v", err)
	}
	if _, err := fs.Stat("b"); !errors.Is(err, ErrNotExist) {
		t.Errorf("the seventh was made: %v", err)
	}
	if err := fs.SyncDir(""); err != nil {
		t.Errorf("a folder is opened for a moment only: %v", err)
	}
	for range 2 { // the second is none
		_ = open[5].Close()
	}
	add(fs.Create("b"))
	if _, err := fs.Create("c"); !IsUntried(err) {
		t.Errorf("closing twice made room for two: %v", err)
	}
	for _, f := range open {
		_ = f.Close()
	}
	if n := fs.files.Load(); n != 0 {
		t.Errorf("%d files are open", n)
	}
	if _, err := fs.Open("none"); err == nil || fs.files.Load() != 0 {
		t.Errorf("a file that is not there: %v, %d open", err, fs.files.Load())
	}
}

// Reads that have to wait for the disk wait for each other first, and hold nobody else up.
func TestReadsTakeTurns(t *testing.T) {
	disk, err := NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fs := disk.Within(Limits{Reads: 1})
	f, err := fs.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	fs.reads <- struct{}{} // somebody waits for the disk
	got := make(chan []byte)
	go func() {
		p := make([]byte, 9) // more than there is: the end can't be known without asking
		n, _ := f.ReadAt(p, 0)
		got <- p[:n]
	}()
	if _, err := f.WriteAt([]byte(" you"), 5); err != nil {
		t.Error(err)
	}
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
	<-fs.reads
	if p := <-got; !bytes.HasPrefix(p, []byte("hello")) {
		t.Errorf("read %q", p)
	}
}
