"""`python -m console_api …` is `bos …`, without an installation."""

from console_api.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
