package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError adds to an error about a flag what would have been allowed, where it does not say so itself.
func flagError(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		wrong   *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w; allowed: %s", err, strings.Join(flagNames(c), " "))
	case errors.As(err, &missing):
		return fmt.Errorf("%w; allowed: %s", err, allowedValues(missing.GetFlag()))
	case errors.As(err, &wrong) && !strings.Contains(err.Error(), "allowed: "):
		f := wrong.GetFlag()
		return fmt.Errorf("--%s %q; allowed: %s", f.Name, wrong.GetValue(), allowedValues(f))
	}
	return err
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}

// allowedValues says in a few words what a flag takes.
func allowedValues(f *pflag.Flag) string {
	switch t := f.Value.Type(); t {
	case "int", "int64":
		return "a whole number"
	case "duration":
		return "a time such as 500ms or 2s"
	case "bool":
		return "true, false"
	case sizeType:
		return sizeForms
	case agesType:
		return agesForms
	case "string", "stringSlice":
		return f.Usage
	default:
		return strings.ReplaceAll(t, "|", ", ")
	}
}
