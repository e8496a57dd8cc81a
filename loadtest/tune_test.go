package loadtest

import (
	"testing"

	"flashq/loadtest/report"
)

func TestTuneTriesAllSettingsOnBothStorages(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	tuned, err := Tune(t.Context(), Config{Records: 20, Rounds: 2, Connections: 2})
	if err != nil || len(tuned.Settings) != 18 {
		t.Fatalf("%v, %+v", err, tuned)
	}
	for i, s := range tuned.Settings {
		if s.Rounds != 2 || s.BatchBytes != int64(tuneLeast)<<(i%9) || s.Storage != report.Storages[i/9] || s.ServerCPU == nil {
			t.Errorf("setting %d: %+v", i, s)
		}
	}
}
