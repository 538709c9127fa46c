"""A Kubeflow Pipelines endpoint: its services with time-outs, its token, and what its refusals mean."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from safs.errors import SafsError

TOKEN, TOKEN_PATH = "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"
PATIENCE = (5.0, 30.0)  # seconds to connect and to wait for an answer
PAGE = 100
ADVICE = {
    401: f"its token is missing or has expired; set {TOKEN}, or {TOKEN_PATH} inside a cluster",
    403: "the token's owner may not do this there; check --namespace and the role bindings in it",
    404: "there is nothing of that name; check --host, which is the address of the API, and the id",
    409: "something of that name exists already; run the same command again, it goes on from what is there",
    429: "it has too much to do; try again later",
}


class RefusedError(SafsError):
    """The endpoint has answered, and refused.

    Attributes:
        status: HTTP status of its answer.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Endpoint:
    """The services of a Kubeflow Pipelines API server (v2beta1), with a time-out on every call.

    What may be asked twice is asked again when the server does not answer; a create never is.

    Args:
        host: the endpoint's address.
        namespace: Kubernetes namespace of the user; empty for single-user installations.
        patience: seconds to connect and to wait for an answer.
    """

    def __init__(self, host: str, namespace: str = "", patience: tuple[float, float] = PATIENCE) -> None:
        import kfp_server_api as api
        from urllib3 import Retry

        self.host, self.namespace, self.patience = host.rstrip("/"), namespace, patience
        if not self.host.startswith(("http://", "https://")):
            raise SafsError(f"host is {host!r}: it starts with http:// or https://")
        configuration = api.Configuration(host=self.host)
        configuration.retries = Retry(2, backoff_factor=0.2, status_forcelist=(502, 503, 504), raise_on_status=False)
        configuration.ssl_ca_cert = os.environ.get("SSL_CERT_FILE")
        if os.environ.get(TOKEN) or os.environ.get(TOKEN_PATH):
            configuration.api_key["authorization"] = ""  # the hook below is asked only if there is one
            configuration.api_key_prefix["authorization"] = "Bearer"
            configuration.refresh_api_key_hook = _refresh_token
        client = api.ApiClient(configuration)
        self.experiments = api.ExperimentServiceApi(client)
        self.runs = api.RunServiceApi(client)
        self.recurring = api.RecurringRunServiceApi(client)
        self.health = api.HealthzServiceApi(client)

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a service.

        Raises:
            SafsError: the endpoint does not answer in time or refuses.
        """
        with explained(self.host):
            return method(*arguments, _request_timeout=self.patience, **options)

    def check(self) -> None:
        """See that a Kubeflow Pipelines API answers, and that it is told the namespace if it needs one.

        Raises:
            SafsError: it does not, for example because a sign-in page answers in its place.
        """
        answer = self.call(self.health.healthz_service_get_healthz, _preload_content=False).data
        try:
            several = json.loads(answer).get("multi_user", False)
        except (ValueError, AttributeError):
            raise SafsError(
                f"{self.host} answers, but not as a Kubeflow Pipelines API (a sign-in page perhaps); set {TOKEN} and "
                "check --host, which often ends in /pipeline"
            ) from None
        if several and not self.namespace:
            raise SafsError(f"the Kubeflow at {self.host} has several users; name yours with --namespace")

    def pages(self, method: Callable[..., Any], items: str, **options: Any) -> Iterator[Any]:
        """All entries of a list call, page by page.

        Args:
            method: the list call.
            items: name of the list in its answer.
            options: what to ask for.
        """
        if self.namespace:
            options["namespace"] = self.namespace
        token = ""
        while True:
            answer = self.call(method, page_token=token, page_size=PAGE, **options)
            yield from getattr(answer, items) or []
            token = answer.next_page_token
            if not token:
                return

    def find_experiment(self, name: str) -> str:
        """The id of an experiment; empty if there is none of that name."""
        listed = self.pages(self.experiments.experiment_service_list_experiments, "experiments", filter=named(name))
        return next((str(found.experiment_id) for found in listed), "")

    def experiment(self, name: str) -> str:
        """The id of an experiment, which is created if there is none of that name."""
        import kfp_server_api as api

        found = self.find_experiment(name)
        if found:
            return found
        wanted = api.V2beta1Experiment(display_name=name, namespace=self.namespace or None)
        create = self.experiments.experiment_service_create_experiment
        try:
            return str(self.call(create, experiment=wanted).experiment_id)
        except RefusedError:
            found = self.find_experiment(name)  # another process was faster
            if not found:
                raise
            return found


@contextmanager
def explained(host: str) -> Iterator[None]:
    """Turns what the client raises into one line that says what to do.

    Raises:
        SafsError: in place of whatever the client raises.
    """
    import kfp_server_api as api
    from urllib3.exceptions import HTTPError

    try:
        yield
    except api.ApiException as error:
        advice = ADVICE.get(error.status, "see its address and token; the server's log says more")
        said = f"Kubeflow at {host} answered {error.status} {error.reason}{_said(error.body)}"
        raise RefusedError(f"{said}: {advice}", error.status) from None
    except (HTTPError, OSError) as error:
        reason = str(getattr(error, "reason", None) or error).rpartition(": ")[2]
        raise SafsError(f"no Kubeflow Pipelines answers at {host} ({reason}); check --host") from None


def named(name: str) -> str:
    """The filter of a list call for entries of one name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})


def _refresh_token(configuration: Any) -> None:
    """Read the token anew for each call, for a projected token is replaced every hour."""
    from safs.kubeflow.files import read_secret

    given = os.environ.get(TOKEN)
    configuration.api_key["authorization"] = given or read_secret(os.environ[TOKEN_PATH], TOKEN_PATH)


def _said(body: Any) -> str:
    """What the server says itself, in one short line."""
    try:
        content = json.loads(body)
        said = content.get("message") or content.get("error") or ""
    except (ValueError, AttributeError, TypeError):
        return ""
    return f" ({' '.join(str(said).split())[:200]})" if said else ""
