package kafka

import (
	"fmt"
	"os"
	"testing"

	"flashq/e2e/instance"
)

func TestMain(m *testing.M) {
	if os.Getenv("FLASHQ_KAFKA_LIBS") == "" {
		fmt.Println("e2e/kafka: FLASHQ_KAFKA_LIBS is not set; `make kafka` judges")
		return
	}
	os.Exit(instance.Main(m))
}
