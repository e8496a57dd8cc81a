package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"flashq/client"
)

// hintAtPort adds to an error what is likely meant where -p is the partition and looks like a port.
func hintAtPort(cmd *cobra.Command, err error, partition int) error {
	const lowestPort = 1024 // that people run brokers at
	if partition < lowestPort || partition > 65535 || cmd.Flags().Changed("port") {
		return err
	}
	if isRefused(err, "partition_not_found") || errors.Is(err, client.ErrUnreachable) {
		return fmt.Errorf("%w; -p is the partition here; for the port: --port %d", err, partition)
	}
	return err
}
