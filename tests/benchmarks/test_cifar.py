import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cifar import PROTOCOLS, VARIANTS, run
from benchmarks.shrink import shrink
from safs.data import load_info, load_part
from safs.data.unpacking import tar_members
from safs.errors import SafsError
from safs.files import read_json
from safs.models import MODELS
from safs.steps.prepare import prepare
from tests.data.archives import cifar_members, write_tar

ARCHIVE = Path(__file__).parents[2].parent / "shared" / "data" / "cifar10-jpeg.tar.xz"
SMALL = [
    "--seeds",
    "0",
    "--size",
    "16",
    "--dense-epochs",
    "1",
    "--epochs",
    "1",
    "--candidates",
    "2",
    "--search-epochs",
    "1",
]
SMALL += ["--trials", "1", "--trial-epochs", "1", "--ablation-epochs", "0", "--batch-size", "20"]


def test_a_small_run_goes_from_the_archive_to_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    archive = write_tar(tmp_path / "images.tar.xz", cifar_members())
    arguments = [str(archive), str(tmp_path / "work"), "--model", "lenet5", *SMALL]
    table = run(arguments)
    result = read_json(tmp_path / "work" / "result.json")
    assert len(table.splitlines()) == 3
    for name in VARIANTS:
        assert f"{100 * result['variants'][name]['test_mean']:.2f} ± 0.00" in table
    assert result["seconds"]["search"] > 0
    assert (tmp_path / "work" / "evaluation" / "report.html").exists()
    capsys.readouterr()
    assert run(arguments) == table
    assert capsys.readouterr().err == ""  # no step ran again
    with pytest.raises(SafsError, match="other arguments"):
        run([*arguments, "--sparsity", "0.9"])


def test_images_are_shrunk_by_averages(tmp_path: Path):
    prepare(tmp_path / "data", "cifar10", str(write_tar(tmp_path / "images.tar.xz", cifar_members())))
    x = load_part(tmp_path / "data", "validation").x
    small = load_part(shrink(tmp_path / "data", tmp_path / "small", 16), "validation").x
    assert np.array_equal(small[0, 0, 3, 5], np.rint(x[0, 0, 6:8, 10:12].mean()).astype(np.uint8))
    assert load_info(tmp_path / "small").shape == (3, 16, 16)
    with pytest.raises(SafsError, match="does not divide"):
        shrink(tmp_path / "data", tmp_path / "other", 10)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ARCHIVE.is_file():
        pytest.skip(f"no archive {ARCHIVE}")
    chosen = re.compile(r"(train/\w+/000[0-4]|test/\w+/000[01])\.jpg")
    members = {name: content for name, content in tar_members(ARCHIVE, 1 << 30, 1 << 16) if chosen.fullmatch(name)}
    return write_tar(tmp_path_factory.mktemp("cifar") / "few.tar.xz", members)


@pytest.mark.integration
@pytest.mark.parametrize("model", PROTOCOLS)
def test_the_networks_of_the_paper_go_through(few: Path, tmp_path: Path, model: str):
    if model not in MODELS:
        pytest.skip(f"{model} is not built in yet")
    table = run([str(few), str(tmp_path / "work"), "--model", model, *SMALL])
    assert "published" in table
    assert len(table.splitlines()) == 4
