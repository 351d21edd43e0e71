"""What the log says of a request, read inside the consistency boundary of its append."""
