package cli

import (
	"flashq/actor"
	"flashq/http"
)

// shareDescriptors splits the process's limit of open files, so that neither connections nor partitions take all, and
// some are left for what opens a folder for a moment: syncs, deletions. 0 is no limit.
func shareDescriptors(limit int, engine *actor.Config, wire *http.Config) {
	if limit <= 0 {
		return
	}
	free := limit - min(limit/4, 32)
	if engine.Dir == "" {
		wire.MaxConnections = free
		return
	}
	wire.MaxConnections = free / 4
	engine.MaxFiles = free - wire.MaxConnections
	engine.MaxLogs = engine.MaxFiles - min(engine.MaxFiles/4, 64) // what is left is for readers and rolls
}
