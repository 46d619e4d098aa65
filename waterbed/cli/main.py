"""The way in: help, version and completion are answered from the table of commands alone."""

import sys


def main() -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    try:
        from waterbed.cli.complete import completed  # noqa: PLC0415 (Ctrl-C is heard while these load too)

        if not completed():
            from waterbed.cli.app import run  # noqa: PLC0415 (the same)

            run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
