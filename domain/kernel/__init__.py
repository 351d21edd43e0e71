"""The business kernel: who works here, what they mean to do, and what came of it."""
