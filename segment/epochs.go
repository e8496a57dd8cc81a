package segment

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

const epochsName = "leader-epoch-checkpoint"

// Epoch says that a leader epoch began at an offset.
type Epoch struct {
	Epoch int32
	Start int64
}

// LoadEpochs reads Kafka's leader-epoch-checkpoint of a partition folder: version 0, the number of entries, then
// "epoch startOffset" lines. A file that is not there or makes no sense is no epochs: the log has the last of them. An
// error is the file system's: nothing is known then, and what the file has must not be replaced.
func LoadEpochs(fs FS, dir string) ([]Epoch, error) {
	data, err := ReadFile(fs, dir+"/"+epochsName)
	if errors.Is(err, ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	epochs, _ := ParseEpochs(data)
	return epochs, nil
}

// ParseEpochs reads the text of a leader-epoch-checkpoint, and tells whether it is whole.
func ParseEpochs(data []byte) (epochs []Epoch, whole bool) {
	lines := strings.Fields(string(data))
	if len(lines) < 2 || lines[0] != "0" {
		return nil, false
	}
	for pairs := lines[2:]; len(pairs) >= 2; pairs = pairs[2:] {
		var e Epoch
		if _, err := fmt.Sscan(pairs[0]+" "+pairs[1], &e.Epoch, &e.Start); err != nil {
			return nil, false
		}
		epochs = append(epochs, e)
	}
	return epochs, bytes.Equal(data, encodeEpochs(epochs))
}

// StoreEpochs replaces the leader-epoch-checkpoint durably.
func StoreEpochs(fs FS, dir string, epochs []Epoch) error {
	return WriteFile(fs, dir, epochsName, encodeEpochs(epochs), true)
}

func encodeEpochs(epochs []Epoch) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "0\n%d\n", len(epochs))
	for _, e := range epochs {
		fmt.Fprintf(&text, "%d %d\n", e.Epoch, e.Start)
	}
	return text.Bytes()
}
