"""Memory: a log that forgets. For tests, demos and simulations."""
