// FlashQ is a Kafka-inspired record queue that speaks plain HTTP.
package main

import (
	"os"

	"flashq/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr)) }
