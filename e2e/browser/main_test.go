package browser

import (
	"fmt"
	"os"
	"testing"

	"flashq/e2e/instance"
)

func TestMain(m *testing.M) {
	if os.Getenv("FLASHQ_BROWSER") == "" {
		fmt.Println("e2e/browser: FLASHQ_BROWSER is not set; `make browser` opens one")
		return
	}
	os.Exit(instance.Main(m))
}
