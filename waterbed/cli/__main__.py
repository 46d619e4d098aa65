"""`python -m waterbed.cli` is `waterbed`."""

from waterbed.cli.main import program

if __name__ == "__main__":
    program()
