"""The sandbox business: a live-shopping network that only exists in here, and its bank."""
