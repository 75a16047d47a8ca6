package cli

// All lists the subcommands in the order of the help text.
var All = []command{
	demoCommand,
	serveCommand,
	assessCommand,
	sloCommand,
	alertCommand,
	incidentCommand,
	serviceCommand,
	estateCommand,
	factCommand,
	orgCommand,
	statusCommand,
	lintCommand,
	ledgerCommand,
	backupCommand,
	restoreCommand,
	tokenCommand,
	versionCommand,
}
