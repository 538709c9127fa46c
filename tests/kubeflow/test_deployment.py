"""The deployment file reaches the compiled pipeline as kfp encodes it; its mistakes are named."""

import pytest
import yaml
from kfp import components
from small_run import safs

from safs.errors import SafsError
from safs.kubeflow.compiled import compiled, manifests
from safs.steps import STEPS

FILE = """
all:
  cpu: "2"
  memory: 4Gi
  memory_request: 1Gi
  env: {MLFLOW_TRACKING_URI: "http://mlflow.safs.svc:5000"}
  secrets: [{name: store, env: {AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key}}]
  retries: {count: 2, wait: 1m, factor: 3, longest: 10m}
  timeout: 3600
steps:
  search:
    image: some/image:cuda
    memory: 16Gi
    gpu: 1
    timeout: 7200
    cache: false
    node_selector: {pool: gpu}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    volumes: [{claim: data, path: /data}]
    secrets: [{name: database, env: {SAFS_STORAGE: uri}}]
    env: {OMP_NUM_THREADS: "4"}
"""


@pytest.fixture
def write(tmp_path):
    def do(text):
        file = tmp_path / "deployment.yaml"
        file.write_text(text)
        return file

    return do


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The pipeline with the file above put in."""
    file = tmp_path_factory.mktemp("deployment") / "deployment.yaml"
    file.write_text(FILE)
    return compiled("some/image:1", file)


def executor(pipeline, step):
    return pipeline.specification["deploymentSpec"]["executors"][f"exec-{step}"]["container"]


def pod(pipeline, step):
    return pipeline.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"exec-{step}"]


def tasks(pipeline):
    parts = (pipeline.specification["root"], *pipeline.specification["components"].values())
    return {name: task for part in parts for name, task in part.get("dag", {}).get("tasks", {}).items()}


def test_what_all_steps_get_and_what_one_gets_beside_it(deployed):
    pipeline = deployed
    for step in STEPS:
        resources = executor(pipeline, step)["resources"]
        assert resources["resourceCpuLimit"] == resources["resourceCpuRequest"] == "2"
        assert resources["resourceMemoryLimit"] == ("16Gi" if step == "search" else "4Gi")
        assert resources["resourceMemoryRequest"] == "1Gi"
        assert executor(pipeline, step)["image"] == ("some/image:cuda" if step == "search" else "some/image:1")
        retry = {"maxRetryCount": 2, "backoffDuration": "60s", "backoffFactor": 3.0, "backoffMaxDuration": "600s"}
        assert tasks(pipeline)[step]["retryPolicy"] == retry
        assert pod(pipeline, step)["activeDeadlineSeconds"] == ("7200" if step == "search" else "3600")
        secrets = {entry["secretName"] for entry in pod(pipeline, step)["secretAsEnv"]}
        assert secrets == ({"store", "database"} if step == "search" else {"store"})
    assert executor(pipeline, "search")["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert {"name": "OMP_NUM_THREADS", "value": "4"} in executor(pipeline, "search")["env"]
    assert len(executor(pipeline, "search")["env"]) == 2
    search = pod(pipeline, "search")
    assert search["fieldPathAsEnv"] == [{"name": "KFP_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"}]
    assert search["nodeSelector"] == {"labels": {"pool": "gpu"}}
    assert search["tolerations"] == [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert search["pvcMount"][0]["mountPath"] == "/data"
    assert tasks(pipeline)["search"]["cachingOptions"] == {}
    assert tasks(pipeline)["prune"]["cachingOptions"]["enableCache"] is True
    assert "nodeSelector" not in pod(pipeline, "prune")


def test_the_result_is_a_pipeline_that_kfp_reads(deployed):
    loaded = components.load_component_from_text(deployed.text)
    assert "kubernetes" in loaded.platform_spec.platforms
    assert set(deployed.content) == {"pipeline_spec", "platform_spec"}


def test_no_deployment_leaves_the_pipeline_as_it_was_compiled(write):
    plain, empty = compiled(), compiled("", write("all: {}"))
    assert plain.platform == {}
    assert plain.specification == empty.specification
    assert set(pod(empty, "search")) == {"fieldPathAsEnv"}
    assert plain.content is plain.specification


def test_another_image_of_one_step_is_another_version(write, deployed):
    assert deployed.version.split()[1:] == ["some/image:1", "some/image:cuda"]
    assert compiled("some/image:1", write("steps: {search: {image: a/b:2}}")).images == ["a/b:2", "some/image:1"]


MISTAKES = [
    ("all: {memroy: 4Gi}", "'all.memroy'; did you mean 'all.memory'"),
    ("steps: {serach: {gpu: 1}}", "'serach'; did you mean 'search'"),
    ("steps: {search: {gpuu: 1}}", "'steps.search.gpuu'; did you mean 'steps.search.gpu'"),
    ("all: {memory: 4 GB}", "all.memory is '4 GB'"),
    ("all: {cpu: two}", "all.cpu is 'two'"),
    ("all: {timeout: 0}", "all.timeout is 0"),
    ("all: {retries: {count: 1, wait: soon}}", "all.retries.wait is 'soon'"),
    ("all: {env: {DB_PASSWORD: x}}", "DB_PASSWORD looks like a secret"),
    ("all: {env: {URI: 'postgresql://me:pw@host/db'}}", "URI looks like a secret"),
    ("all: {volumes: [{claim: data, path: data}]}", "all.volumes.0.path is 'data'"),
    ("- 1", "holds no names"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=lambda value: value[:40])
def test_a_mistake_in_the_file_is_named(write, text, message):
    with pytest.raises(SafsError, match=message):
        compiled("", write(text))


def test_the_resources_for_gitops_hold_the_same_pipeline(deployed):
    pipeline = deployed
    whole, version = yaml.load_all(manifests(pipeline, "mine"), yaml.CSafeLoader)
    assert (whole["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert version["spec"]["pipelineSpec"]["deploymentSpec"] == pipeline.specification["deploymentSpec"]
    assert version["spec"]["platformSpec"] == pipeline.platform
    assert version["spec"]["pipelineName"] == whole["metadata"]["name"] == "safs-training"
    assert whole["metadata"]["namespace"] == version["metadata"]["namespace"] == "mine"
    other = list(yaml.load_all(manifests(compiled("some/image:2"), "mine"), yaml.CSafeLoader))[1]
    assert other["metadata"]["name"] != version["metadata"]["name"], "a new image is a new version"


def test_compile_takes_a_deployment_file(write, tmp_path):
    done = safs("compile", "--out", tmp_path / "p.yaml", "--deployment", write(FILE), "--image", "some/image:1")
    assert done.code == 0, done.err
    assert len(list(yaml.load_all((tmp_path / "p.yaml").read_text(), yaml.CSafeLoader))) == 2
    done = safs("compile", "--out", tmp_path / "m.yaml", "--manifests", "--namespace", "mine")
    assert done.code == 0, done.err
    assert [one["kind"] for one in yaml.load_all((tmp_path / "m.yaml").read_text(), yaml.CSafeLoader)] == [
        "Pipeline",
        "PipelineVersion",
    ]
