package metrics

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// figure is one of the runtime's own, under the name that dashboards know it by.
type figure struct {
	from string
	desc Desc
}

var runtimeFigures = []figure{
	{"/sched/goroutines:goroutines", Desc{"go_goroutines", GaugeKind, "Goroutines that exist."}},
	{"/sched/gomaxprocs:threads", Desc{"go_sched_gomaxprocs_threads", GaugeKind, "GOMAXPROCS."}},
	{"/memory/classes/total:bytes", Desc{"go_memstats_sys_bytes", GaugeKind, "Memory that the runtime has mapped."}},
	{"/memory/classes/heap/objects:bytes",
		Desc{"go_memstats_heap_alloc_bytes", GaugeKind, "Heap objects, live or not collected yet."}},
	{"/memory/classes/heap/released:bytes",
		Desc{"go_memstats_heap_released_bytes", GaugeKind, "Heap that was given back to the system."}},
	{"/memory/classes/heap/free:bytes",
		Desc{"go_memstats_heap_idle_bytes", GaugeKind, "Heap that is free and not given back."}},
	{"/memory/classes/heap/stacks:bytes",
		Desc{"go_memstats_stack_inuse_bytes", GaugeKind, "Stacks of goroutines."}},
	{"/gc/heap/objects:objects", Desc{"go_memstats_heap_objects", GaugeKind, "Heap objects."}},
	{"/gc/heap/goal:bytes", Desc{"go_memstats_next_gc_bytes", GaugeKind, "Heap size at which the next collection ends."}},
	{"/gc/gomemlimit:bytes", Desc{"go_gc_gomemlimit_bytes", GaugeKind, "GOMEMLIMIT."}},
	{"/gc/gogc:percent", Desc{"go_gc_gogc_percent", GaugeKind, "GOGC."}},
	{"/gc/heap/allocs:bytes", Desc{"go_memstats_alloc_bytes_total", CounterKind, "Bytes of heap that were allocated."}},
	{"/gc/heap/allocs:objects", Desc{"go_memstats_mallocs_total", CounterKind, "Heap objects that were allocated."}},
	{"/gc/heap/frees:objects", Desc{"go_memstats_frees_total", CounterKind, "Heap objects that were freed."}},
	{"/cpu/classes/gc/total:cpu-seconds",
		Desc{"go_gc_cpu_seconds_total", CounterKind, "CPU time of the collector, estimated."}},
}

// WriteRuntime adds what the Go runtime and the system tell of the process.
func WriteRuntime(p *Page) {
	p.Part(Desc{"go_info", GaugeKind, "The Go version."}).Int(AppendLabels(nil, "version", runtime.Version()), 1)
	samples := make([]metrics.Sample, len(runtimeFigures))
	for i, f := range runtimeFigures {
		samples[i].Name = f.from
	}
	metrics.Read(samples)
	for i, f := range runtimeFigures {
		switch v := samples[i].Value; v.Kind() {
		case metrics.KindUint64:
			p.One(f.desc, float64(v.Uint64()))
		case metrics.KindFloat64:
			p.One(f.desc, v.Float64())
		}
	}
	writePauses(p)
	for _, f := range processFigures() {
		p.One(f.desc, f.value)
	}
}

// writePauses writes the collector's pauses, as every Go process shows them.
func writePauses(p *Page) {
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	part := p.Part(Desc{"go_gc_duration_seconds", SummaryKind, "Pauses of the collector."})
	for i, pause := range stats.PauseQuantiles {
		quantile := strconv.FormatFloat(float64(i)/4, 'g', -1, 64)
		part.Float(AppendLabels(nil, "quantile", quantile), pause.Seconds())
	}
	part.Suffixed("_sum", nil, stats.PauseTotal.Seconds())
	part.Suffixed("_count", nil, float64(stats.NumGC))
}

// processFigure is one of the process.
type processFigure struct {
	desc  Desc
	value float64
}

var (
	cpuTime   = Desc{"process_cpu_seconds_total", CounterKind, "CPU time of the process, in user and system mode."}
	startTime = Desc{"process_start_time_seconds", GaugeKind, "When the process began, seconds since 1970."}
	resident  = Desc{"process_resident_memory_bytes", GaugeKind, "Resident memory."}
	virtual   = Desc{"process_virtual_memory_bytes", GaugeKind, "Virtual memory."}
	openFDs   = Desc{"process_open_fds", GaugeKind, "Descriptors that are open."}
	maxFDs    = Desc{"process_max_fds", GaugeKind, "Descriptors that may be open."}
)
