"""One module per role, each a group of subcommands."""
