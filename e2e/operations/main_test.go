package operations

import (
	"fmt"
	"os"
	"testing"

	"flashq/e2e/instance"
)

func TestMain(m *testing.M) {
	if os.Getenv("FLASHQ_OPERATIONS") == "" {
		fmt.Println("e2e/operations: FLASHQ_OPERATIONS is not set; `make operations` has what it needs")
		return
	}
	os.Exit(instance.Main(m))
}
