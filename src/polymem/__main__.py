"""`python -m polymem` is the `polymem` command."""

from polymem.cli import main

if __name__ == "__main__":
    main()
