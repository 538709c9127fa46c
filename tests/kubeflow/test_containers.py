"""The whole pipeline in containers gives what it gives in processes, as nobody, with nothing to write to but the workspace."""

import json
import subprocess
from pathlib import Path

import pytest
from small_run import safs

from safs.errors import SafsError
from safs.files import code_version
from safs.kubeflow.containers import image_id
from safs.kubeflow.package import IMAGE

QUICK = (
    "--seeds 0 --sparsity 0.9 --dense-epochs 2 --candidates 2 --search-epochs 1 --trials 1 --trial-epochs 1 --epochs 1"
)
STEPS = 8
ROOT = Path(__file__).parents[2]
SECURE = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none"]


def docker(*command):
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image():
    """The component image, with the code that is tested."""
    try:
        image_id("")
    except SafsError as error:
        pytest.skip(str(error))
    inside = docker("run", "--rm", IMAGE, "python3", "-c", "import safs.files; print(safs.files.code_version())")
    if inside != code_version():
        pytest.skip(f"the image {IMAGE} holds other code; build it again with `make image`")
    return IMAGE


def selection_of(workspace):
    (folder,) = workspace.glob("pipeline/*/select/out")
    return json.loads((folder / "selection.json").read_text())


@pytest.mark.container
def test_the_pipeline_in_containers_gives_what_it_gives_in_processes(image, tmp_path):
    contained = safs("run", *QUICK.split(), "--runner", "docker", "--workspace", tmp_path / "c", timeout=900)
    assert contained.code == 0, contained.err
    assert len(contained.ran) == STEPS
    plain = safs("run", *QUICK.split(), "--workspace", tmp_path / "p", timeout=900)
    assert plain.code == 0, plain.err
    assert selection_of(tmp_path / "c")["evaluations"] == selection_of(tmp_path / "p")["evaluations"]
    owners = {path.stat().st_uid for path in (tmp_path / "c" / "pipeline").rglob("out/*")}
    assert 0 not in owners, "no task ran as root"
    assert not docker("ps", "-q", "--filter", "label=safs.process"), "no container is left"


@pytest.mark.container
def test_the_image_runs_as_nobody_with_a_read_only_root_and_says_what_it_is(image):
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image))
    assert len(labels["org.opencontainers.image.revision"]) == 40
    who = docker("run", "--rm", *SECURE, image, "sh", "-c", "id -u; safs --version")
    assert who.split() == ["10001", Path(image).name.partition(":")[2]]


@pytest.mark.container
def test_all_that_is_in_the_image_is_pinned(image):
    constraints = (ROOT / "containers" / "constraints.txt").read_text().lower().replace("_", "-").split("\n")
    found = docker("run", "--rm", image, "pip", "list", "--format", "freeze", "--disable-pip-version-check")
    unpinned = {line.split("==")[0] for line in found.splitlines() if line.lower().replace("_", "-") not in constraints}
    assert unpinned == {"pip", "setuptools", "safs", "torch"}, "safs is the code, torch a build argument"


@pytest.mark.container
def test_no_container_compiles_what_the_image_has_compiled(image):
    if "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor compiles its own kernels")
    names = (image, image.replace("safs-pipelines", "safs-serving"))
    script = (ROOT / "containers" / "kernels.py").read_text()
    ran = [docker("run", "--rm", *SECURE, "--entrypoint", "python3", name, "-c", script) for name in names]
    assert ran[0].splitlines() == [f"{name}: 1 from the cache, 0 compiled" for name in ("runtime", "train", "predict")]
    assert ran[1] == "runtime: 1 from the cache, 0 compiled"


@pytest.mark.container
def test_an_image_that_is_not_there_is_named(tmp_path):
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("Docker does not run")
    done = safs("run", "--runner", "docker", "--image", "not/there:1", "--workspace", tmp_path)
    assert (done.code, "no image 'not/there:1'" in done.err) == (1, True), done.err


@pytest.mark.container
def test_the_serving_image_is_small_holds_no_torch_and_serves(tmp_path):
    from safs.export.sparse_file import write
    from safs.export.tracing import trace
    from tests.export.exported_networks import branches

    name = IMAGE.replace("safs-pipelines", "safs-serving")
    try:
        image_id(name)
    except SafsError as error:
        pytest.skip(str(error))
    assert int(docker("inspect", "--format", "{{.Size}}", name)) < 600e6
    write(tmp_path / "model.safs", trace(*branches(1)))
    tmp_path.chmod(0o755)
    secure = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "-v", f"{tmp_path}:/mnt/models:ro"]
    code = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('mlflow'))"
    assert docker("run", "--rm", *secure, "--entrypoint", "python3", name, "-c", code) == "None None"
    container = docker("run", "-d", "--rm", *secure, name)
    try:
        ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/v2/models/safs').status)"
        retry = f'for i in $(seq 60); do python3 -c "{ask}" 2>/dev/null && exit; sleep 1; done; exit 1'
        assert docker("exec", container, "sh", "-c", retry) == "200"
        assert docker("exec", container, "id", "-u") == "10001"
    finally:
        docker("kill", container)
