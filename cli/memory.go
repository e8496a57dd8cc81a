package cli

// memoryShare is what memory storage takes by default of what this process may use: half of it.
func memoryShare(usable int64) int64 {
	const unknown = 2 << 30
	if usable == 0 {
		usable = unknown
	}
	return usable / 2
}
