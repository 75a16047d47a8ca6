package cli

// All lists the subcommands in the order of the help text.
var All = []command{
	demoCommand,
	serveCommand,
	assessCommand,
	sloCommand,
	lintCommand,
	versionCommand,
}
