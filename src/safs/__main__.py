"""The `safs` command, also where only the runtime is installed: then it says what is missing."""

import sys


def main() -> None:
    """Start the command line."""
    try:
        from safs.cli import main as command
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("safs"):
            raise
        print(f"error: {error.name} is not installed; pip install 'safs[train]' has all the commands", file=sys.stderr)
        sys.exit(1)
    command()


if __name__ == "__main__":
    main()
