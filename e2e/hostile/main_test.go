package hostile

import (
	"os"
	"testing"

	"flashq/e2e/instance"
)

func TestMain(m *testing.M) { os.Exit(instance.Main(m)) }
