import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from safs.activations import activation_sites, scale_parameters
from safs.errors import SafsError
from safs.files import fingerprint, read_json, write_json
from safs.models import (
    ModelSpec,
    build,
    describe_activations,
    fresh_model,
    load_model,
    load_spec,
    save_model,
    seed_folders,
)
from tests.chain import copy_of


@pytest.fixture
def copy(lenet_folder: Path, tmp_path: Path) -> Path:
    return copy_of(lenet_folder, tmp_path / "model")


SPECS = [
    ModelSpec("lenet5", (1, 28, 28), tuple("0123456789"), (0.0,), (1.0,)),
    ModelSpec(
        "lenet5",
        (3, 16, 20),
        ("ä", "<b>"),
        (0.1, 0.2, 0.3),
        (1.0, 0.5, 0.25),
        {"act1": "acon", "act2": "srelu", "act3": "relu", "act4": "linear"},
        scales="layer",
        sparsity=0.99,
        seed=7,
        curves=(((0.0, 1.0), (0.0, 0.5)), ((0.5,), (0.5,)), ((-1.5, 0.1, 0.2), (0.0, 0.7, 1.0))),
    ),
]


@pytest.mark.parametrize("spec", SPECS, ids=["plain", "full"])
def test_save_and_load_is_the_identity(spec: ModelSpec, tmp_path: Path):
    model = fresh_model(spec)
    with torch.no_grad():
        for scale in scale_parameters(model):
            scale.add_(0.1)
    save_model(tmp_path / "model", model, spec)
    loaded, loaded_spec = load_model(tmp_path / "model")
    assert loaded_spec == spec
    assert loaded.training
    before, after = model.state_dict(), loaded.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    x = torch.randn(2, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), loaded(x))


def test_saving_twice_gives_the_same_bytes(copy: Path, tmp_path: Path):
    model, spec = load_model(copy)
    save_model(tmp_path / "again", model, spec)
    for name in ("model.safetensors", "model.json"):
        assert (tmp_path / "again" / name).read_bytes() == (copy / name).read_bytes()


def test_activations_are_built_as_described():
    sites = activation_sites(build(replace(SPECS[0], activations={"act2": "tanh"}, scales="layer")))
    assert {name: site.operator.name for name, site in sites.items()} == {
        "act1": "relu",
        "act2": "tanh",
        "act3": "relu",
        "act4": "relu",
    }
    assert all(site.scales == "layer" for site in sites.values())


def test_weights_cut_short_anywhere_are_a_safs_error(copy: Path):
    file = copy / "model.safetensors"
    raw = file.read_bytes()
    for length in [0, 1, 7, 8, 9, 100, 500, 1000, len(raw) // 2, len(raw) - 1]:
        file.write_bytes(raw[:length])
        with pytest.raises(SafsError, match=r"model\.safetensors"):
            load_model(copy)


def test_a_bit_flipped_in_the_header_is_a_safs_error_or_harmless(copy: Path):
    file = copy / "model.safetensors"
    raw = file.read_bytes()
    before = load_file(file)
    header = 8 + int.from_bytes(raw[:8], "little")
    refused = 0
    for position in range(header):
        damaged = bytearray(raw)
        damaged[position] ^= 1 << position % 8
        file.write_bytes(damaged)
        try:
            after = load_model(copy)[0].state_dict()
        except SafsError:
            refused += 1
        else:  # the padding, or a name that nobody asks for
            assert all(torch.equal(before[name], after[name]) for name in before), position
    assert refused > header / 2


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_bit_flipped_in_a_weight_is_a_safs_error(copy: Path, place: int):
    file = copy / "model.safetensors"
    raw = bytearray(file.read_bytes())
    start = 8 + int.from_bytes(raw[:8], "little")
    raw[start + place if place >= 0 else place] ^= 0x40
    file.write_bytes(raw)
    with pytest.raises(SafsError, match=r"model\.safetensors"):
        load_model(copy)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_missing_file_is_named(copy: Path, name: str):
    (copy / name).unlink()
    with pytest.raises(SafsError, match=name.replace(".", r"\.")):
        load_model(copy)


def test_a_missing_folder_is_a_safs_error(tmp_path: Path):
    with pytest.raises(SafsError, match="does not exist"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize("field", ["architecture", "input_shape", "classes", "mean", "std"])
def test_a_missing_field_is_named(copy: Path, field: str):
    raw = read_json(copy / "model.json")
    del raw[field]
    write_json(copy / "model.json", raw)
    with pytest.raises(SafsError, match=field):
        load_spec(copy)


def test_an_extra_field_is_named(copy: Path):
    write_json(copy / "model.json", {**read_json(copy / "model.json"), "sparsty": 0.9})
    with pytest.raises(SafsError, match="sparsty"):
        load_spec(copy)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("architecture", "lenet"),
        ("architecture", 5),
        ("architecture", None),
        ("architecture", ["lenet5"]),
        ("input_shape", [1, 28]),
        ("input_shape", [1, 28, 28, 1]),
        ("input_shape", [1, 8, 8]),
        ("input_shape", [1, 32, 32]),
        ("input_shape", [3, 28, 28]),
        ("input_shape", [0, 28, 28]),
        ("input_shape", [-1, 28, 28]),
        ("input_shape", 28),
        ("input_shape", None),
        ("input_shape", ["a", "b", "c"]),
        ("classes", ["one"]),
        ("classes", []),
        ("classes", 10),
        ("classes", None),
        ("mean", 0.0),
        ("mean", [0.0, 0.0]),
        ("mean", None),
        ("std", 1.0),
        ("activations", {"act9": "relu"}),
        ("activations", {"act1": "rellu"}),
        ("activations", {"act1": 1}),
        ("activations", {"act1": ["relu"]}),
        ("activations", ["relu", "relu"]),
        ("activations", None),
        ("scales", "layer"),
        ("scales", "fixd"),
        ("scales", True),
        ("excluded", "act1"),
        ("excluded", [1]),
    ],
)
def test_a_description_that_does_not_fit_the_weights_is_a_safs_error(copy: Path, field: str, value: Any):
    write_json(copy / "model.json", {**read_json(copy / "model.json"), field: value})
    with pytest.raises(SafsError):
        load_model(copy)


@pytest.mark.parametrize("content", ["", "[]", "null", "3", '"lenet5"', '{"architecture": "lenet5"', "{}"])
def test_a_description_that_is_none_is_a_safs_error(copy: Path, content: str):
    (copy / "model.json").write_text(content)
    with pytest.raises(SafsError, match=r"model\.json"):
        load_model(copy)


def vouch(folder: Path) -> None:
    """Let model.json vouch for the weights as they are, so that what comes after the checksum is tested."""
    content = read_json(folder / "model.json")
    write_json(folder / "model.json", {**content, "weights_sha256": fingerprint(folder / "model.safetensors")})


def test_weights_of_other_shapes_names_or_number_are_a_safs_error(copy: Path):
    file = copy / "model.safetensors"
    state = load_file(file)
    for wrong in (
        {**state, "fc1.bias": torch.zeros(7)},
        {**state, "extra": torch.zeros(1)},
        {name: value for name, value in state.items() if name != "fc1.bias"},
        {},
    ):
        save_file(wrong, file)
        vouch(copy)
        with pytest.raises(SafsError, match="does not fit lenet5"):
            load_model(copy)


def test_a_fresh_model_depends_on_the_seed_alone(spec: ModelSpec):
    one = fresh_model(spec)
    torch.manual_seed(99)
    two, other = fresh_model(spec), fresh_model(replace(spec, seed=spec.seed + 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_a_fresh_model_leaves_the_global_generator_as_it_was(spec: ModelSpec):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    fresh_model(spec)
    assert torch.equal(torch.get_rng_state(), before)


def test_seed_folders_are_sorted_by_number(tmp_path: Path):
    for name in (*(f"seed-{seed}" for seed in (21, 5, 13, 0, 8, 2, 1, 3, 100)), "seed-x", "other"):
        (tmp_path / name).mkdir()
    seeds = [0, 1, 2, 3, 5, 8, 13, 21, 100]
    assert list(seed_folders(tmp_path).items()) == [(seed, tmp_path / f"seed-{seed}") for seed in seeds]


def test_files_are_no_seed_folders(tmp_path: Path):
    (tmp_path / "seed-0.json").write_text("{}")
    (tmp_path / "seed-0.jsonl").write_text("")
    with pytest.raises(SafsError, match="holds no models"):
        seed_folders(tmp_path)


def test_the_description_of_activations_is_json():
    assert json.loads(describe_activations(SPECS[1])) == SPECS[1].activations
