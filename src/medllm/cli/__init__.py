"""The command line: each command parses, imports, calls and prints."""
