"""Access: the people who work here, and the secrets by which they and machines are known."""
