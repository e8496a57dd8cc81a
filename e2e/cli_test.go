package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"flashq/e2e/instance"
)

// The command line, as scripts in testdata/script. Beside testscript's own commands there are
//
//	broker ARGS...        starts a broker; sets $ADDR, $PORT and $PID
//	ended                 ends it with SIGTERM and demands exit code 0; testscript's own stop would end the script
//	refused CODE ARGS...  flashq ARGS ends by itself with that code and one line on standard error, for `stderr`
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values["script"] = &script{TB: env.T().(testing.TB)}
			env.Setenv("PATH", filepath.Join(env.WorkDir, ".bin")+":"+env.Getenv("PATH"))
			return errors.Join(os.Mkdir(filepath.Join(env.WorkDir, ".bin"), 0o755),
				os.Symlink(instance.Binary(), filepath.Join(env.WorkDir, ".bin", "flashq")))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"broker":  startBroker,
			"ended":   stopBroker,
			"refused": refused,
		},
	})
}

// script is what the commands of one script share.
type script struct {
	testing.TB
	broker *instance.Instance
}

func startBroker(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("script").(*script)
	s.broker = instance.Start(s, args...)
	ts.Setenv("ADDR", s.broker.Addr)
	_, port, _ := strings.Cut(s.broker.Addr, ":")
	ts.Setenv("PORT", port)
	ts.Setenv("PID", strconv.Itoa(s.broker.PID))
}

func stopBroker(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value("script").(*script)
	s.broker.Stop(s)
}

func refused(ts *testscript.TestScript, _ bool, args []string) {
	var exit *exec.ExitError
	if err := ts.Exec("flashq", args[1:]...); !errors.As(err, &exit) {
		ts.Fatalf("flashq %v: ended with %v", args[1:], err)
	}
	if got := strconv.Itoa(exit.ExitCode()); got != args[0] {
		ts.Fatalf("flashq %v: exit code %s instead of %s", args[1:], got, args[0])
	}
	if said := ts.ReadFile("stderr"); strings.Count(said, "\n") != 1 {
		ts.Fatalf("flashq %v: said not one line:\n%s", args[1:], said)
	}
}
