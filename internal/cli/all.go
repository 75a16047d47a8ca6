package cli

// All lists the subcommands in the order of the help text.
var All = []command{
	demoCommand,
	serveCommand,
	sloCommand,
	serviceCommand,
	factCommand,
	orgCommand,
	lintCommand,
	ledgerCommand,
	backupCommand,
	restoreCommand,
	tokenCommand,
	versionCommand,
}
