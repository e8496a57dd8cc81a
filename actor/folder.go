package actor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"flashq/segment"
)

const (
	versionName = "flashq.version"
	bootName    = "flashq.boot"
	cleanName   = "flashq.clean"
	metaName    = "partition.metadata"
	deleteMark  = "-delete"

	// formatVersion is what this program writes, oldestReader the lowest format number that a program must know to
	// read it.
	formatVersion = 1
	oldestReader  = 1
)

// folder is the data folder's own state: its format, and how the last broker left it.
type folder struct {
	fs segment.FS
	// powerCut tells that the machine went down while a broker had the folder open.
	powerCut bool
	clean    bool
	// unversioned tells that there was no room for the format number.
	unversioned bool
}

// openFolder checks the format and finds out how the last run ended.
func openFolder(fs segment.FS) (folder, error) {
	f := folder{fs: fs}
	err := checkVersion(fs)
	if f.unversioned = segment.MayRetry(err); err != nil && !f.unversioned {
		return f, err
	}
	_, err = fs.Stat(cleanName)
	f.clean = err == nil
	boot, err := segment.ReadFile(fs, bootName)
	if err != nil && !errors.Is(err, segment.ErrNotExist) {
		return f, err
	}
	f.powerCut = len(boot) > 0 && !f.clean && string(boot) != bootID()
	return f, nil
}

// checkVersion refuses a folder that a newer FlashQ wrote in a way that this one can't read.
func checkVersion(fs segment.FS) error {
	text, err := segment.ReadFile(fs, versionName)
	if errors.Is(err, segment.ErrNotExist) {
		return writeVersion(fs)
	}
	if err != nil {
		return err
	}
	numbers := strings.Fields(string(text))
	format, reader := 0, 0
	if len(numbers) > 0 {
		format, err = strconv.Atoi(numbers[0])
		reader = format
	}
	if len(numbers) > 1 && err == nil {
		reader, err = strconv.Atoi(numbers[1])
	}
	if err != nil || format < 1 {
		return fmt.Errorf("%s can't be read: %q", versionName, text)
	}
	if reader > formatVersion {
		return fmt.Errorf("data folder has format %d, this flashq reads up to %d: use the FlashQ that wrote it, or a "+
			"newer one; nothing was changed", format, formatVersion)
	}
	return nil
}

func writeVersion(fs segment.FS) error {
	line := fmt.Sprintf("%d %d\n", formatVersion, oldestReader)
	return segment.WriteFile(fs, "", versionName, []byte(line), true)
}

// use tells that the folder is about to be written to: the clean mark goes first.
func (f folder) use() error {
	if f.clean {
		if err := f.fs.Remove(cleanName); err != nil {
			return err
		}
	}
	return f.fs.SyncDir("")
}

// started notes the boot that this run belongs to, after every partition has its new epoch. A note that says so already
// stays: a restart on a full disk finds no room for another.
func (f folder) started() error {
	if f.unversioned {
		if err := writeVersion(f.fs); err != nil {
			return err
		}
	}
	if boot, err := segment.ReadFile(f.fs, bootName); err == nil && string(boot) == bootID() {
		return nil
	}
	return segment.WriteFile(f.fs, "", bootName, []byte(bootID()), true)
}

// left notes that every log was closed and synced.
func (f folder) left() error { return segment.WriteFile(f.fs, "", cleanName, []byte("clean\n"), true) }

// bootID names this start of the machine; without one, every unclean start counts as a power cut.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown " + strconv.Itoa(os.Getpid())
	}
	return strings.TrimSpace(string(id))
}

// partitionDir is the folder of one partition, as Kafka names it.
func partitionDir(topic string, partition int) string { return topic + "-" + strconv.Itoa(partition) }

// splitDir gives the topic and the partition that a folder is of.
func splitDir(dir string) (topic string, partition int) {
	i := strings.LastIndexByte(dir, '-')
	partition, _ = strconv.Atoi(dir[i+1:]) // made by partitionDir
	return dir[:i], partition
}

// writeTopicID writes Kafka's partition.metadata, which ties a folder to a topic and not just to its name.
func writeTopicID(fs segment.FS, dir, id string) error {
	return segment.WriteFile(fs, dir, metaName, []byte("version: 0\ntopic_id: "+id+"\n"), true)
}

// readTopicID reads the id back; "" when there is none. An error is the file system's: nothing is known then.
func readTopicID(fs segment.FS, dir string) (string, error) {
	text, err := segment.ReadFile(fs, dir+"/"+metaName)
	if errors.Is(err, segment.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(line, "topic_id:"); ok {
			return strings.TrimSpace(id), nil
		}
	}
	return "", nil
}

// empty tells whether a folder holds no records, so that a topic may be made in it.
func empty(fs segment.FS, dir string) (bool, error) {
	names, err := fs.ReadDir(dir)
	if errors.Is(err, segment.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, name := range names {
		st, err := fs.Stat(dir + "/" + name)
		if err != nil {
			return false, err
		}
		if strings.HasSuffix(name, ".log") && st.Size > 0 || st.Dir {
			return false, nil
		}
	}
	return true, nil
}
