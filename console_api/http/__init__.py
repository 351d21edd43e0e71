"""The HTTP API: the business for programs. Pages for people are next door, in pages."""
