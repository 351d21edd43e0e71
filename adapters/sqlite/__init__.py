"""SQLite: the log in one file, the embedded default."""
