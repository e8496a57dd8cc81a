package cli

import (
	"testing"

	"flashq/actor"
	"flashq/http"
)

// Connections, files and what syncs and deletions need for a moment have each their own part of the limit.
func TestDescriptorsAreShared(t *testing.T) {
	for _, limit := range []int{64, 96, 1024, 20_000, 1 << 20} {
		engine, wire := actor.Config{Dir: "data"}, http.Config{}
		share(t, limit, &engine, &wire)
		rest := limit - wire.MaxConnections - engine.MaxFiles
		if wire.MaxConnections < limit/8 || engine.MaxLogs < limit*2/5 || engine.MaxLogs >= engine.MaxFiles-4 || rest < 16 {
			t.Errorf("of %d: %d connections, %d files, %d of them for logs, %d left", limit, wire.MaxConnections,
				engine.MaxFiles, engine.MaxLogs, rest)
		}
		engine, wire = actor.Config{}, http.Config{}
		share(t, limit, &engine, &wire)
		if wire.MaxConnections < limit*3/4 || wire.MaxConnections > limit-16 || engine.MaxFiles != 0 {
			t.Errorf("of %d in memory: %d connections", limit, wire.MaxConnections)
		}
	}
	engine, wire := actor.Config{Dir: "data"}, http.Config{}
	if share(t, 0, &engine, &wire); wire.MaxConnections != 0 || engine.MaxFiles != 0 || engine.MaxLogs != 0 {
		t.Errorf("bounds without a limit: %+v %+v", engine, wire)
	}
}

func share(t *testing.T, limit int, engine *actor.Config, wire *http.Config) {
	t.Helper()
	if err := shareDescriptors(limit, engine, wire); err != nil {
		t.Error(err)
	}
}

// Who names a number of connections gets it, or is told why not; files have the rest.
func TestConnectionsAreAsManyAsNamed(t *testing.T) {
	engine, wire := actor.Config{Dir: "data"}, http.Config{MaxConnections: 10_000}
	share(t, 20_000, &engine, &wire)
	if wire.MaxConnections != 10_000 || engine.MaxFiles < 9900 || engine.MaxFiles > 10_000 {
		t.Errorf("%d connections, %d files", wire.MaxConnections, engine.MaxFiles)
	}
	err := shareDescriptors(1024, &engine, &wire)
	if want := "--max-connections 10000; allowed: up to 744 where a process may have 1024 files open (ulimit -n)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
