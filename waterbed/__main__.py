"""`python -m waterbed` is `waterbed`."""

from waterbed.cli.main import main

if __name__ == "__main__":
    main()
