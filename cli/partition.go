package cli

import (
	"errors"
	"fmt"

	"flashq/client"
)

// hintAtPort adds to an error what is likely meant where -p is the partition and looks like a port.
func hintAtPort(err error, partition int) error {
	const lowestPort = 1024 // that people run brokers at
	if partition < lowestPort || partition > 65535 {
		return err
	}
	if isRefused(err, "partition_not_found") || errors.Is(err, client.ErrUnreachable) {
		return fmt.Errorf("%w; -p is the partition here; for the port: --port %d", err, partition)
	}
	return err
}
