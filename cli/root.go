package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"flashq/client"
)

// version is set by the linker; a plain go build says what the module knows.
var version = ""

// Version is what --version and /health say.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1   // the command could not do its work: the broker refused it, say
	exitUsage       = 2   // the command line is wrong, or a file that it names
	exitUnreachable = 3   // no broker answered
	exitInterrupted = 130 // a signal came, as shells count it
	exitPipe        = 141 // who read the output is gone: SIGPIPE, as shells count it
)

var (
	errInterrupted = errors.New("interrupted")
	errPipe        = errors.New("nobody reads the output any more")
)

// failure marks an error of the work itself, not of the command line.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// failed marks err, so that Run exits with 1 and not with 2.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}

// Run is the whole program: it gives the exit status.
func Run(args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "flashq: %s\n", oneLine(err))
	return exitCode(err)
}

func exitCode(err error) int {
	var f failure
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errPipe):
		return exitPipe
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	case errors.As(err, &f):
		return exitFailed
	}
	return exitUsage
}

// oneLine keeps an error on the one line that it is promised to be, and a terminal from obeying what it quotes.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	return string(appendSafe(nil, []byte(strings.Join(lines, "; "))))
}

func rootCommand() *cobra.Command {
	root := serveCommand()
	root.Version = Version()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("flashq {{.Version}}\n")
	root.SetHelpCommand(helpCommand())
	root.AddCommand(produceCommand(), producerCommand(), consumeCommand(), tailCommand(), consumerCommand(),
		groupCommand(), topicsCommand(), topicCommand(), healthCommand(), checkCommand(), dumpCommand(), demoCommand(),
		loadtestCommand(), tokenCommand(), versionCommand())
	return root
}
