"""`python -m gateway` is the `carryon` command."""

from gateway.cli import main

if __name__ == "__main__":
    main()
