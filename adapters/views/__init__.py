"""Where read models are kept: tables of SQLite or PostgreSQL, one definition for both."""
