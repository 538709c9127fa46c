"""The whole pipeline on data of the user's own, from wherever they come."""

import json
from collections import Counter
from pathlib import Path

import pytest
from small_run import safs

from safs.data.unpacking import tar_members
from tests.data.buckets import Server, use
from tests.data.own_data import image_folder
from tests.data.test_own_data import as_npz

pytestmark = [pytest.mark.integration, pytest.mark.long]
ARCHIVE = Path(__file__).parents[2].parent / "shared" / "data" / "cifar10-jpeg.tar.xz"
TINY = {
    "seeds": 0,
    "sparsity": 0.9,
    "dense-epochs": 1,
    "candidates": 2,
    "search-epochs": 1,
    "min-epochs": 1,
    "trials": 1,
    "trial-epochs": 1,
    "epochs": 1,
    "ablation-epochs": 0,
    "insight-every": 0,
    "serving-seconds": 0,
    "backend": "torch",
}


def run(workspace, dataset, *arguments, **environment):
    """Run the pipeline on a data set."""
    flags = [part for name, value in TINY.items() for part in (f"--{name}", value)]
    done = safs("run", "--dataset", dataset, *flags, *arguments, "--workspace", workspace, timeout=600, **environment)
    assert done.code == 0, done.err


def written(workspace, step, name):
    """What all runs of a workspace have written under a name in a step."""
    return [json.loads(path.read_text()) for path in sorted(workspace.glob(f"pipeline/*/{step}/out/{name}.json"))]


@pytest.mark.service
def test_a_folder_an_archive_and_a_bucket_give_one_result(tmp_path, monkeypatch):
    folder = image_folder(tmp_path / "served" / "bucket" / "images", ("cat", "with space"), 20, size=(28, 28))
    archive = as_npz(folder, tmp_path / "images.npz")
    server = Server(tmp_path / "served")
    server.start()
    use(monkeypatch, server.url, tmp_path / "cache")
    sources = [str(folder), str(archive), "s3://bucket/images"]
    try:
        for source in sources:
            run(tmp_path / "runs", source, SAFS_CACHE=str(tmp_path / "cache"))
    finally:
        server.kill()
    sets, selections = (written(tmp_path / "runs", *what) for what in (("prepare", "dataset"), ("select", "selection")))
    assert [info["origin"] for info in sets] == sources
    assert len({info["fingerprint"] for info in sets}) == 1
    assert selections[0]["chosen"]
    assert selections == selections[:1] * 3  # the same accuracies, activations and weights
    for report in (tmp_path / "runs").glob("pipeline/*/prepare/report"):
        assert "with space" in report.read_text()  # the step's HTML artifact


def test_cifar10_as_a_folder_of_images(tmp_path):
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE.name} is not beside the project")
    counts = Counter()
    for name, content in tar_members(ARCHIVE, 1 << 30, 1 << 20):
        home = Path(name).parent
        if counts[home] < (400 if home.parts[0] == "train" else 100):
            counts[home] += 1
            target = tmp_path / "cifar" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    run(tmp_path / "runs", tmp_path / "cifar", "--batch-size", "128")
    (info,) = written(tmp_path / "runs", "prepare", "dataset")
    (selection,) = written(tmp_path / "runs", "select", "selection")
    assert info["shape"] == [3, 32, 32]
    assert len(info["classes"]) == 10
    assert info["sizes"] == {"train": 3200, "validation": 800, "test": 1000}
    assert info["origin"] == str(tmp_path / "cifar")
    assert selection["chosen"]["sparsity"] == 0.9
