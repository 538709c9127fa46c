"""`safs relay`."""

import os
import sys
from pathlib import Path

from safs.errors import SafsError


def relay(
    *,
    rules: Path,
    host: str = "127.0.0.1",
    port: int = 8090,
    state: Path = Path("safs-runs/relay.db"),
    github: str = "",
    github_api: str = "https://api.github.com",
) -> None:
    """Receive webhooks of MLflow's model registry at /webhook, and do what the rules say.

    The webhook's secret comes from SAFS_WEBHOOK_SECRET, the token for GitHub from GITHUB_TOKEN. MLflow sends over https only, so
    this stands behind an ingress that ends TLS. /healthz answers 200.

    Args:
        rules: YAML file that says which event sets off what: a repository_dispatch, or a safs command.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        state: File that remembers the deliveries of the last minutes, so that none is taken twice.
        github: Repository to tell, as owner/name.
        github_api: Address of GitHub's API.
    """
    from safs.relay.actions import Actions, GitHub
    from safs.relay.rules import read_rules
    from safs.relay.server import PATH, Relay
    from safs.relay.signature import Gate

    def log(line: str) -> None:
        print(line, flush=True)

    secret, token = (os.environ.pop(name, "") for name in ("SAFS_WEBHOOK_SECRET", "GITHUB_TOKEN"))
    if not secret:
        raise SafsError("there is no secret; put the webhook's into SAFS_WEBHOOK_SECRET")
    if github and not token:
        raise SafsError("there is no token for GitHub; put one into GITHUB_TOKEN")
    actions = Actions(read_rules(rules), GitHub(github, token, github_api) if github else None, log)
    with Relay((host, port), Gate(secret, state), actions, log) as server:
        log(f"listening at http://{host}:{server.server_port}{PATH}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)
