"""The governor: what may happen, what must wait for a person, and what may not."""
