"""The manifests render, are what the API servers take, and keep the security settings they promise."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import published
import pytest
import yaml
from small_run import safs

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
TREES = ["base", "overlays/local", "overlays/production"]
CUSTOM = yaml.safe_load(Path(__file__).with_name("schemas.yaml").read_text())
DIGEST = re.compile(r"^[\w.:/-]+@sha256:[0-9a-f]{64}$")


@pytest.fixture(scope="module")
def rendered():
    """The resources of each tree."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")

    def render(tree):
        done = subprocess.run(["kubectl", "kustomize", MANIFESTS / tree], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [one for one in yaml.safe_load_all(done.stdout) if one]

    return {tree: render(tree) for tree in TREES}


def check(resource):
    """Validate a resource strictly: core kinds by Kubernetes' schemas, custom ones by those of their projects."""
    kind = resource["kind"]
    if resource["apiVersion"].count(".") == 0 or ".k8s.io/" in resource["apiVersion"]:
        kubernetes_validate.validate(resource, "1.34", strict=True)
        return
    core = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": resource["metadata"]}
    kubernetes_validate.validate(core, "1.34", strict=True)
    known = published.validate(resource, newer=CUSTOM.get(kind, {}).get("newer", ()))
    assert known or kind in CUSTOM, f"{kind}: nobody publishes a schema"
    if kind in CUSTOM:
        assert resource["apiVersion"] == CUSTOM[kind]["apiVersion"]
        jsonschema.validate(resource["spec"], CUSTOM[kind]["spec"])


def pods_of(resources):
    """Name and specification of every pod that the resources lead to."""
    for one in resources:
        spec, name = one.get("spec", {}), f"{one['kind']}/{one['metadata']['name']}"
        if one["kind"] == "CronJob":
            yield name, spec["jobTemplate"]["spec"]["template"]["spec"]
        elif "template" in spec:
            yield name, spec["template"]["spec"]
        elif one["kind"] == "ServingRuntime":
            service = next(other for other in resources if other["kind"] == "InferenceService")["spec"]["predictor"]
            yield name, {**spec, **{key: value for key, value in service.items() if key != "model"}}


@pytest.mark.parametrize("tree", TREES)
def test_every_resource_is_what_its_api_takes(rendered, tree):
    for resource in rendered[tree]:
        check(resource)


def test_the_checks_find_a_typo_in_core_and_custom_kinds(rendered):
    for kind in ("Deployment", "PrometheusRule", "ServiceMonitor", "ServingRuntime", "InferenceService"):
        resource = next(one for one in rendered["base"] if one["kind"] == kind)
        for part in ("spec", "metadata"):
            with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
                check({**resource, part: {**resource[part], "replcias": 1}})


def test_the_checks_find_a_wrong_value_deep_inside_a_custom_kind(rendered):
    rule = json.loads(json.dumps(next(one for one in rendered["base"] if one["kind"] == "PrometheusRule")))
    rule["spec"]["groups"][0]["rules"][0]["for"] = "ten minutes"
    with pytest.raises(jsonschema.ValidationError, match="ten minutes"):
        check(rule)


@pytest.mark.parametrize("tree", TREES)
def test_every_pod_is_confined(rendered, tree):
    pods = dict(pods_of(rendered[tree]))
    assert len(pods) >= 4
    for name, pod in pods.items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) == {"cpu", "memory"}, name
            mounted = {volume["mountPath"] for volume in container["volumeMounts"]}
            assert "/tmp" in mounted, f"{name} has nowhere to write"
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name


@pytest.mark.parametrize("tree", TREES[1:])
def test_images_stand_by_digest(rendered, tree):
    images = [c["image"] for _, pod in pods_of(rendered[tree]) for c in pod["containers"]]
    assert images
    assert all(DIGEST.match(image) for image in images), images
    settings = next(one for one in rendered[tree] if one["metadata"]["name"].startswith("safs-settings"))
    assert DIGEST.match(settings["data"]["SAFS_IMAGE"])


@pytest.mark.parametrize("tree", TREES)
def test_secrets_are_named_and_never_written(rendered, tree):
    assert not [one for one in rendered[tree] if one["kind"] == "Secret"]
    for name, pod in pods_of(rendered[tree]):
        for container in pod["containers"]:
            for entry in container.get("env", []):
                if re.search(r"PASSWORD|SECRET|URI$|ACCESS_KEY", entry["name"]):
                    assert "secretKeyRef" in entry["valueFrom"], (name, entry["name"])


@pytest.mark.parametrize("tree", TREES)
def test_the_network_is_shut_but_for_what_is_named(rendered, tree):
    policies = {one["metadata"]["name"]: one["spec"] for one in rendered[tree] if one["kind"] == "NetworkPolicy"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        for rule in [*policy.get("ingress", []), *policy.get("egress", [])]:
            assert rule.get("ports"), f"{name} opens every port"
        for rule in policy.get("ingress", []):
            assert rule.get("from"), f"{name} lets anybody in"


@pytest.mark.parametrize("tree", TREES)
def test_rights_are_few_and_the_namespace_is_restricted(rendered, tree):
    roles = [one for one in rendered[tree] if one["kind"] in ("Role", "ClusterRole")]
    assert [one["kind"] for one in roles] == ["Role"]
    for rule in roles[0]["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"delete", "update", "patch", "escalate", "bind"} & set(rule["verbs"])
    for one in rendered[tree]:
        if one["kind"] == "ServiceAccount":
            assert one["automountServiceAccountToken"] is False
    (namespace,) = (one for one in rendered[tree] if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = [one for one in rendered[tree] if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in others} == {"safs"}


@pytest.mark.integration
def test_what_the_manifests_start_exists(rendered):
    for name, pod in pods_of(rendered["base"]):
        for container in pod["containers"]:
            program, *rest = container.get("command", ["mlflow"])
            if program == "safs":
                done = safs(rest[0], "--help", COLUMNS="300")
                flags = [word for word in rest[1:] if word.startswith("--")]
                assert done.code == 0, (name, done.err)
                assert all(flag in done.out for flag in flags), name


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(rendered):
    from safs.serving.metrics import Metrics

    rules = next(one for one in rendered["base"] if one["kind"] == "PrometheusRule")["spec"]["groups"][0]["rules"]
    dashboard = json.loads((MANIFESTS / "base" / "dashboard.json").read_text())
    asked = [rule["expr"] for rule in rules] + [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    metrics = Metrics(("a",))
    metrics.request(200, 0.1)
    served = set(re.findall(r"^(safs_serving\w+?)(?:_bucket)?[{ ]", metrics.text(), flags=re.MULTILINE))
    for name in re.findall(r"safs_serving_\w+", " ".join(asked)):
        assert name.removesuffix("_bucket") in served, name
    runbook = (ROOT / "docs" / "cluster.md").read_text()
    for rule in rules:
        assert f"`{rule['alert']}`" in runbook, "each alert has its line in the runbook"


@pytest.mark.integration
def test_the_resources_that_commands_write_are_what_kubeflow_takes(tmp_path):
    (tmp_path / "n.yaml").write_text("{name: nightly, cron: '0 2 * * *', service_account: runner}")
    assert safs("schedule", tmp_path / "n.yaml", "--out", tmp_path / "s.yaml").code == 0
    assert safs("compile", "--manifests", "--out", tmp_path / "p.yaml").code == 0
    for file in ("s.yaml", "p.yaml"):
        for resource in yaml.load_all((tmp_path / file).read_text(), yaml.CSafeLoader):
            check(resource)
