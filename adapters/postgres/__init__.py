"""PostgreSQL: the log on a server, for production."""
