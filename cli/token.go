package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/auth"
)

// authFileVariable names the file of tokens for the commands that change it.
const authFileVariable = "FLASHQ_AUTH_FILE"

func tokenCommand() *cobra.Command {
	f := &authFile{}
	c := family("token", "Make, list and revoke the tokens that a broker with --auth-file takes",
		tokenCreateCommand(f), tokenListCommand(f), tokenRevokeCommand(f))
	c.PersistentFlags().StringVar(&f.path, "auth-file", "", "the file of tokens (default $"+authFileVariable+")")
	return c
}

// authFile is which file a command works on: a flag, else the environment.
type authFile struct{ path string }

func (f *authFile) name() (string, error) {
	switch env := os.Getenv(authFileVariable); {
	case f.path != "":
		return f.path, nil
	case env != "":
		return env, nil
	}
	return "", errors.New("no file of tokens; allowed: --auth-file FILE, or $" + authFileVariable)
}

// tokenView is a token as it is shown; the secret only when it is made.
type tokenView struct {
	Name   string   `json:"name"`
	Token  string   `json:"token,omitempty"`
	Scopes []string `json:"scopes"`
	Topics []string `json:"topics"`
	Groups []string `json:"groups"`
	Made   string   `json:"created"`
}

func viewToken(e auth.Entry, secret string) tokenView {
	return tokenView{e.Name, secret, e.Scopes, e.Topics, e.Groups, moment(e.Made)}
}

func tokenCreateCommand(f *authFile) *cobra.Command {
	var e auth.Entry
	replace, o := false, newOutput()
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token, and print it this once",
		Long: "Make a token, and print it this once: the file holds nothing that it could be made of again.\n" +
			"A topic or group is the token's if its name begins with one of the prefixes; left out, or *, every one is.\n" +
			"admin is read and write, too. With --replace the name gets a new token in place of its old one, and keeps\n" +
			"what is not said. A broker that runs takes it within two seconds.",
		Example: "  flashq token create shop --auth-file tokens.json --scope write --topic orders.\n" +
			"  flashq token create billing --scope read --topic orders.,refunds. --group billing-\n" +
			"  flashq token create shop --replace",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := f.name()
			if err != nil {
				return err
			}
			e.Name = args[0]
			if err := checkToken(&e, replace); err != nil {
				return err
			}
			secret, made, err := auth.Create(path, e, replace)
			if errors.Is(err, auth.ErrExists) {
				err = fmt.Errorf("%w; or say --replace for a new one in its place", err)
			}
			if err != nil {
				return failed(err)
			}
			if o.format.value == "table" {
				cmd.PrintErrf("token %s may %s; it is printed this once:\n", made.Name, tokenRights(made))
			}
			text, err := json.Marshal(viewToken(made, secret))
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), text, "", func() string { return secret })
		},
	}
	fs := c.Flags()
	fs.StringSliceVar(&e.Scopes, "scope", nil, "what it may do: read, write, admin, or several as read,write")
	fs.Var((*prefixes)(&e.Topics), "topic",
		"prefix of the topics that it is for, or several as a.,b.; every one if left out, or *")
	fs.Var((*prefixes)(&e.Groups), "group",
		"prefix of the groups that it is for, or several as a.,b.; every one if left out, or *")
	fs.BoolVar(&replace, "replace", false, "in place of a token of that name; what is not said stays as it was")
	o.define(c)
	return c
}

// checkToken refuses what no file takes.
func checkToken(e *auth.Entry, replace bool) error {
	if err := auth.CheckName(e.Name); err != nil {
		return err
	}
	if len(e.Scopes) == 0 && replace {
		return nil
	}
	if _, err := auth.ParseScopes(e.Scopes); err != nil {
		return fmt.Errorf("--scope: %w", err)
	}
	return nil
}

// tokenRights says in words what a token is for.
func tokenRights(e auth.Entry) string {
	return strings.Join(e.Scopes, ", ") + " on topics " + showPrefixes(e.Topics) + " and groups " + showPrefixes(e.Groups)
}

// showPrefixes shows a list of prefixes as people write them.
func showPrefixes(list []string) string {
	shown := make([]string, len(list))
	for i, p := range list {
		shown[i] = p + "*"
	}
	return strings.Join(shown, " ")
}

func tokenListCommand(f *authFile) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens of a file, and what they are for",
		Example: "  flashq token list --auth-file tokens.json",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.name()
			if err != nil {
				return err
			}
			list, err := auth.List(path)
			if err != nil {
				return failed(err)
			}
			views := make([]tokenView, len(list))
			for i, e := range list {
				views[i] = viewToken(e, "")
			}
			text, err := json.Marshal(map[string]any{"tokens": views})
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), text, "tokens", func() string { return tokensTable(views) })
		},
	}
	o.define(c)
	return c
}

func tokensTable(list []tokenView) string {
	var rows []table.Row
	for _, t := range list {
		rows = append(rows, table.Row{
			t.Name, strings.Join(t.Scopes, " "), showPrefixes(t.Topics), showPrefixes(t.Groups), t.Made,
		})
	}
	return tableOf(table.Row{"token", "scopes", "topics", "groups", "created"}, rows)
}

func tokenRevokeCommand(f *authFile) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Take a token out of the file; what goes on for it ends within two seconds",
		Example: "  flashq token revoke shop --auth-file tokens.json",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := f.name()
			if err != nil {
				return err
			}
			if err := auth.Revoke(path, args[0]); err != nil {
				return failed(err)
			}
			cmd.PrintErrf("token %s is revoked\n", args[0])
			return nil
		},
	}
}
