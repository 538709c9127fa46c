from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from safs.data import load_info, load_part
from safs.errors import SafsError
from safs.files import fingerprint, read_json
from safs.steps.context import Context
from safs.steps.register import register
from safs.steps.select import select
from tests.chain import Chain, copy_of


class Shelf:
    """A registry in memory."""

    def __init__(self) -> None:
        self.models: list[tuple[str, Path, np.ndarray, dict[str, str]]] = []

    def register(self, name: str, package: Path, example: np.ndarray, tags: Mapping[str, str]) -> dict[str, str]:
        self.models.append((name, package, example, dict(tags)))
        return {"name": name, "version": str(len(self.models)), "uri": f"models:/{name}", "alias": "challenger"}


def test_the_selected_model_goes_into_the_registry(chain: Chain, selected: Path, tmp_path: Path):
    shelf = Shelf()
    summary = register(chain.data, selected, tmp_path / "out", "mine", context=Context(registry=shelf))
    ((name, _, example, tags),) = shelf.models
    package = tmp_path / "out" / "package"
    assert name == "mine"
    assert fingerprint(package / "model") == fingerprint(selected / "model")
    assert tags["forms"] == "torch, sparse, onnx"
    assert (package / "model.safs").stat().st_size == read_json(package / "package.json")["sparse"]["bytes"]
    assert example.dtype == np.float32
    np.testing.assert_allclose(example, load_part(chain.data, "validation").x[:4] / 255, rtol=1e-6)
    assert all(isinstance(value, str) for value in tags.values())
    assert tags["data_fingerprint"] == load_info(chain.data).fingerprint
    assert tags["model_fingerprint"] == fingerprint(selected / "model")
    assert float(tags["sparsity"]) == 0.9
    assert summary == read_json(tmp_path / "out" / "registration.json")
    assert summary["version"] == "1"


def test_nothing_is_registered_when_nothing_qualified(chain: Chain, evaluated: Path, tmp_path: Path):
    select([evaluated], [chain.finetune], tmp_path / "none", max_bytes=1)
    shelf = Shelf()
    with pytest.raises(SafsError, match="none qualified"):
        register(chain.data, tmp_path / "none", tmp_path / "out", context=Context(registry=shelf))
    assert shelf.models == []
    assert not (tmp_path / "out").exists()


def test_a_registry_is_needed(chain: Chain, selected: Path, tmp_path: Path):
    with pytest.raises(SafsError, match="no model registry"):
        register(chain.data, selected, tmp_path / "out")


def test_nothing_is_registered_when_the_output_is_taken(chain: Chain, selected: Path, tmp_path: Path):
    shelf = Shelf()
    with pytest.raises(SafsError, match="already exists"):
        register(chain.data, selected, chain.data, context=Context(registry=shelf))
    assert shelf.models == []


@pytest.mark.parametrize("content", ["{}", "[]", '{"chosen": {}}'])
def test_a_selection_that_is_none_is_a_safs_error(chain: Chain, selected: Path, tmp_path: Path, content: str):
    damaged = copy_of(selected, tmp_path / "selection")
    (damaged / "selection.json").write_text(content)
    shelf = Shelf()
    with pytest.raises(SafsError):
        register(chain.data, damaged, tmp_path / "out", context=Context(registry=shelf))
    assert shelf.models == []
