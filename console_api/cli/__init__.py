"""The command line: `bos`. Tables for people, --json for machines, exit codes for scripts."""
