"""Every way in: the command line, the HTTP API, the console and the workers. Chooses adapters."""
