//go:build linux

package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// run runs a program of the system, and fails the test with what it said.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// mount mounts something on a new folder until the test ends; mount options come first. A loop device that it needs goes
// with it.
func mount(t *testing.T, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mounted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", append(args, dir)...)
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

// unmount waits until nobody uses what is mounted: cleanups run in reverse, so the brokers on it are gone.
func unmount(t *testing.T, dir string) {
	t.Helper()
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
		t.Errorf("umount: %v: %s", err, out)
		run(t, "umount", "--lazy", dir) // never leave it behind
	}
}

// image makes a file with an empty ext4 of so many MiB.
func image(t *testing.T, mebibytes int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(mebibytes << 20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", name)
	return name
}
