"""The few words that every component shares."""
