"""Every way in: the command line, the HTTP API, the console and the workers. Chooses adapters."""

from typing import Final

VERSION: Final = "0.1.0"
"""As in pyproject.toml."""
