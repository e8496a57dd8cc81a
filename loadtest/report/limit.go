package report

import (
	"fmt"
	"math"
)

const (
	// full is the share of a processor, or of all, from which on it counts as used up.
	full = 0.9
	// pacing is what of a schedule's requests may miss it before the client is suspected.
	pacing = 0.95
)

// due is how many of the workload's records are due each second.
func (r *Report) due() float64 {
	if r.Streams != nil {
		return r.Rate * float64(r.Streams.Streams) // each record on every stream
	}
	return r.Rate
}

// limit tells why the numbers are the client's and not the server's, "" where they are not: it had no processor time
// left, or it took more of a machine's than the server where that was used up. Without the server's CPU time only the
// first can be known.
func limit(r *Report) string {
	own := r.Own()
	if own == nil {
		return ""
	}
	ours := float64(r.Machine.CPUs)
	if r.Pinned {
		ours = 1
	}
	ours = math.Min(ours, float64(r.Connections))
	switch {
	case r.Rate > 0 && own.PerSec.Average >= pacing*r.due():
		return "" // the schedule was held
	case own.ClientCores >= full*ours:
		return fmt.Sprintf("the client used %.2f of the %.0f processors that it may use", own.ClientCores, ours)
	case own.ServerCores == nil || r.Pinned:
		return ""
	case own.ClientCores+*own.ServerCores >= full*float64(r.Machine.CPUs) && own.ClientCores > *own.ServerCores:
		return fmt.Sprintf("all %d processors were busy, and the client used %.2f of them, the server %.2f",
			r.Machine.CPUs, own.ClientCores, *own.ServerCores)
	}
	return ""
}
