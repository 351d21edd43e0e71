"""Requests about people and their tokens."""
