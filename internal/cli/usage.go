package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usage is an error of the command line: exit code 2.
func usage(format string, args ...any) error {
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

// usageWords are in the errors that cobra makes of a command line.
var usageWords = []string{"required flag(s)", "if any flags in the group"}

// asUsage gives cobra's own errors the exit code of wrong usage, and says where to read on.
func asUsage(c *cobra.Command, err error) error {
	if errors.As(err, new(exitError)) {
		return err
	}
	for _, words := range usageWords {
		if strings.Contains(err.Error(), words) {
			return usage("%w; see %s --help", err, c.CommandPath())
		}
	}
	return err
}

// group is a command that only holds others.
func group(c *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	c.Args = noSuchCommand
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(subs...)
	return c
}

// noSuchCommand refuses what is no subcommand and names those that it could be.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("%s has no command %q; did you mean %s?", c.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usage("%s has no command %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
}

// wants lets a command have least to most arguments; most < 0 = any number.
func wants(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		_, wanted, _ := strings.Cut(c.Use, " ")
		switch {
		case len(given) < least:
			return usage("%s wants %s; see %s --help", c.CommandPath(), wanted, c.CommandPath())
		case most == 0 && len(given) > 0:
			return usage("%s takes no arguments, and was given %q; see %s --help", c.CommandPath(), given[0], c.CommandPath())
		case most > 0 && len(given) > most:
			return usage("%s wants %s only, and was given %q too; see %s --help", c.CommandPath(), wanted, given[most], c.CommandPath())
		}
		return nil
	}
}
