"""The commands: arguments in, exit codes out. Each module is one command or a few that belong together."""
