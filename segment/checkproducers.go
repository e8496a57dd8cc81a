package segment

import "fmt"

// producers reads what is saved of producers beside a log that ends before next: caches, which cost time alone.
func (c Check) producers(names []string, next int64) {
	for _, offset := range SnapshotsIn(names) {
		tell := func(suffix string, what string) {
			c.Found(Fault{Name: c.Dir + "/" + fileName(offset, suffix), What: what})
		}
		if _, err := LoadProducers(c.FS, c.Dir, offset); err != nil {
			tell(snapshotSuffix, fmt.Sprintf("can't be read: %v; the next start asks the log instead", err))
		}
		if _, err := LoadKeyNotes(c.FS, c.Dir, offset); err != nil {
			tell(keysSuffix, fmt.Sprintf("can't be read: %v; a request is compared with the log instead", err))
		}
		if offset > next {
			tell(snapshotSuffix, fmt.Sprintf("speaks of offsets that the log does not have, which ends before %d; the next "+
				"start removes it", next))
		}
	}
}
