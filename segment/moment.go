package segment

// Moment is now as two clocks tell it, in milliseconds. Wall is the time of day, which anybody may set. Steady only
// grows, from any beginning: ages are counted by it.
type Moment struct{ Wall, Steady int64 }

// clientAhead is how far ahead of the broker's clock a record's timestamp may be when it arrives; doors refuse more.
const clientAhead = 3_600_000

// arrival is when the newest record of a segment that was there before this process arrived, by the steady clock: when
// its file was last written. Its largest timestamp counts where the file has lost that time, as copies do. A file time
// in the future says nothing: age counts from now, when it was first seen.
func (m Moment) arrival(maxTS, modTime int64) int64 {
	switch {
	case modTime > m.Wall:
		return m.Steady
	case maxTS > modTime+clientAhead && maxTS <= m.Wall:
		return m.Steady - (m.Wall - maxTS)
	default:
		return m.Steady - (m.Wall - modTime)
	}
}

// beginning guesses when the first record of such a segment arrived, if it is the active one: by its timestamp, between
// the arrival of the newest record before it and of its own newest. A wrong guess makes the log roll early, once.
func (m Moment) beginning(firstTS, before, newest int64) int64 {
	if firstTS < 0 || firstTS > m.Wall {
		return before
	}
	return max(min(m.Steady-(m.Wall-firstTS), newest), before)
}
