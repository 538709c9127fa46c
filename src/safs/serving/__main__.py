"""`python -m safs.serving --model FOLDER`: what the serving image starts."""

import argparse
import sys
from pathlib import Path

from safs.errors import SafsError
from safs.serving.server import find_model, serve


def main() -> None:
    """Read the flags and serve until stopped."""
    parser = argparse.ArgumentParser(
        "safs.serving", description="Serve an exported model (Open Inference Protocol, v2)."
    )
    parser.add_argument("--model", type=Path, required=True, help="model.safs, or a folder somewhere in which it lies")
    parser.add_argument("--name", default="safs", help="name of the model in addresses")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen at")  # noqa: S104 - a container's own
    parser.add_argument("--port", type=int, default=8080, help="port to listen at")
    parser.add_argument("--largest", type=int, default=1024, help="examples in one request at most")
    given = parser.parse_args()
    try:
        serve(find_model(given.model), given.name, given.host, given.port, given.largest)
    except SafsError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
