package cli

import (
	"fmt"

	"flashq/actor"
	"flashq/http"
)

// shareDescriptors splits the process's limit of open files, so that neither connections nor partitions take all, and
// some are left for what opens a folder for a moment: syncs, deletions. 0 is no limit.
func shareDescriptors(limit int, engine *actor.Config, wire *http.Config) error {
	if limit <= 0 {
		return nil
	}
	free := limit - min(limit/4, 32)
	usual, most := free, free
	if engine.Dir != "" {
		usual, most = free/4, free*3/4
	}
	if wire.MaxConnections == 0 {
		wire.MaxConnections = usual
	}
	if wire.MaxConnections > most {
		return fmt.Errorf("--max-connections %d; allowed: up to %d where a process may have %d files open (ulimit -n)",
			wire.MaxConnections, most, limit)
	}
	if engine.Dir != "" {
		engine.MaxFiles = free - wire.MaxConnections
		engine.MaxLogs = engine.MaxFiles - min(engine.MaxFiles/4, 64) // what is left is for readers and rolls
	}
	return nil
}
