package cli

// defaultMemory is half of what this process may use: the container's limit where there is one, else the machine's RAM.
func defaultMemory() int64 {
	const unknown = 2 << 30
	if total := usableMemory(); total > 0 {
		return total / 2
	}
	return unknown / 2
}
