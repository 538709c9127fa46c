"""Images in folders and arrays in `.npz` files, read through prepare."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from safs.data import PARTS, load_info, load_part
from safs.data.images import read_image
from safs.data.own import find_source
from safs.data.sources import SOURCES
from safs.errors import SafsError
from safs.steps.prepare import prepare
from tests.chain import contents
from tests.data.own_data import arrays, divided_folder, image, image_folder, npz


def examples(folder: Path) -> Counter[tuple[str, bytes]]:
    """Class and pixels of every example, of all parts together."""
    classes = load_info(folder).classes
    parts = (load_part(folder, part) for part in PARTS)
    return Counter((classes[label], x.tobytes()) for part in parts for x, label in zip(part.x, part.y, strict=True))


def pixels(path: Path) -> bytes:
    return np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes()


def test_a_folder_of_classes_is_split_into_three_parts(tmp_path: Path):
    data = image_folder(tmp_path / "data", ("cat", "dog"), 10)
    prepare(tmp_path / "out", dataset=str(data))
    info = load_info(tmp_path / "out")
    assert (info.name, info.classes, info.shape) == ("data", ("cat", "dog"), (3, 6, 8))
    assert info.sizes == {"train": 12, "validation": 4, "test": 4}
    assert all(
        np.bincount(load_part(tmp_path / "out", part).y).tolist() == [n, n]
        for part, n in zip(PARTS, (6, 2, 2), strict=True)
    )
    assert examples(tmp_path / "out") == Counter((path.parent.name, pixels(path)) for path in data.rglob("*.png"))


def test_given_parts_are_kept(tmp_path: Path):
    data = divided_folder(tmp_path / "data")
    (data / "validation").rename(data / "val")
    prepare(tmp_path / "out", dataset=str(data))
    assert load_info(tmp_path / "out").sizes == {"train": 6, "validation": 8, "test": 10}
    test = load_part(tmp_path / "out", "test")
    assert {x.tobytes() for x in test.x} == {pixels(path) for path in (data / "test").rglob("*.png")}


def test_a_missing_part_is_drawn_from_the_training_part(tmp_path: Path):
    data = tmp_path / "data"
    image_folder(data / "train", count=10)
    image_folder(data / "test", count=3)
    prepare(tmp_path / "out", dataset=str(data))
    assert load_info(tmp_path / "out").sizes == {"train": 16, "validation": 4, "test": 6}


def test_the_normalisation_comes_from_the_training_part_alone(tmp_path: Path):
    data = divided_folder(tmp_path / "data")
    prepare(tmp_path / "one", dataset=str(data))
    image(data / "test" / "cat" / "white.png").unlink()
    Image.new("RGB", (8, 6), "white").save(data / "test" / "cat" / "white.png")
    prepare(tmp_path / "two", dataset=str(data))
    one, two = load_info(tmp_path / "one"), load_info(tmp_path / "two")
    assert one.fingerprint != two.fingerprint
    assert (one.mean, one.std) == (two.mean, two.std)
    x = load_part(tmp_path / "one", "train").x / 255
    np.testing.assert_allclose(one.mean, x.mean((0, 2, 3)))
    np.testing.assert_allclose(one.std, x.std((0, 2, 3)))


def as_npz(folder: Path, target: Path, seed: int = 5) -> Path:
    """The images of a folder of classes as an .npz file, in another order."""
    files = sorted(folder.rglob("*.png"))
    np.random.default_rng(seed).shuffle(files)
    x = np.stack([np.asarray(Image.open(path)) for path in files])
    return npz(target, x=x, y=np.array([path.parent.name for path in files]))


@pytest.mark.parametrize("classes", [("cat", "dog"), tuple(str(n) for n in range(12))], ids=["letters", "numbers"])
def test_one_content_has_one_fingerprint_wherever_it_comes_from(tmp_path: Path, classes: tuple[str, ...]):
    data = image_folder(tmp_path / "data", classes, 5)
    renamed = image_folder(tmp_path / "renamed", classes, 5)
    for path in sorted(renamed.rglob("*.png")):
        path.rename(path.with_name(f"x{9 - int(path.stem)}.PNG"))
    archive = as_npz(data, tmp_path / "data.npz")
    for name, source in (("one", data), ("two", renamed), ("three", archive), ("four", archive.parent / "data.npz")):
        prepare(tmp_path / name, dataset=str(source))
    infos = [load_info(tmp_path / name) for name in ("one", "two", "three", "four")]
    assert len({info.fingerprint for info in infos}) == 1
    assert len({(info.mean, info.std, info.classes) for info in infos}) == 1
    arrays_of = [
        {k: v for k, v in contents(tmp_path / n).items() if k.endswith(".npy")} for n in ("one", "two", "three")
    ]
    assert arrays_of[0] == arrays_of[1] == arrays_of[2]


def test_equal_images_never_stand_on_both_sides(tmp_path: Path):
    data = image_folder(tmp_path / "data", count=8)
    for path in sorted(data.rglob("*.png")):
        path.with_name(f"copy-{path.name}").write_bytes(path.read_bytes())
    prepare(tmp_path / "out", dataset=str(data))
    sets = [{x.tobytes() for x in load_part(tmp_path / "out", part).x} for part in PARTS]
    assert not (sets[0] & sets[1]) | (sets[0] & sets[2]) | (sets[1] & sets[2])


def test_a_group_is_not_split_up(tmp_path: Path):
    data = image_folder(tmp_path / "data", count=12)
    for path in sorted(data.rglob("*.png")):
        path.rename(path.with_name(f"person-{int(path.stem) % 4}-{path.name}"))
    prepare(tmp_path / "out", dataset=str(data), group_pattern="person-([0-9]+)")
    persons = {pixels(path): path.name.split("-")[1] for path in data.rglob("*.png")}
    homes = [{persons[x.tobytes()] for x in load_part(tmp_path / "out", part).x} for part in PARTS]
    assert sum(map(len, homes)) == 4


@pytest.mark.parametrize("name", ["with space", "🐱", "Käse", "<b>", "a'b"])
def test_class_names_may_be_of_any_letters(tmp_path: Path, name: str):
    prepare(tmp_path / "out", dataset=str(image_folder(tmp_path / "my data 🐱", (name, "other"))))
    assert set(load_info(tmp_path / "out").classes) == {name, "other"}


def test_hidden_files_and_those_of_operating_systems_are_left_out(tmp_path: Path):
    data = image_folder(tmp_path / "data")
    for name in (".DS_Store", "Thumbs.db", ".hidden/cat/1.png", "__MACOSX/cat/1.png"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"junk")
    prepare(tmp_path / "out", dataset=str(data))
    assert load_info(tmp_path / "out").notes == ()
    assert load_info(tmp_path / "out").classes == ("cat", "dog")


def test_images_of_any_size_are_brought_to_one(tmp_path: Path):
    data = image_folder(tmp_path / "data")
    image(data / "cat" / "wide.png", size=(40, 10))
    prepare(tmp_path / "out", dataset=str(data), image_size=16)
    assert load_info(tmp_path / "out").shape == (3, 16, 16)


def test_the_orientation_of_the_camera_is_applied(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    plain, kind = read_image(image(tmp_path / "a.png"))
    turned, _ = read_image(image(tmp_path / "b" / "a.png", exif=exif))
    assert kind == "PNG"
    assert np.array_equal(turned, np.rot90(plain, -1, (1, 2)))


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("RGB", 3)])
def test_channels_follow_from_the_kind_of_image(tmp_path: Path, mode: str, channels: int):
    path = image(tmp_path / "a.png", mode="L" if mode in "1P" else mode)
    Image.open(path).convert(mode).save(path)
    assert read_image(path)[0].shape == (channels, 6, 8)


def test_an_alpha_channel_that_hides_nothing_is_dropped(tmp_path: Path):
    path = image(tmp_path / "a.png")
    before = read_image(path)[0]
    Image.open(path).convert("RGBA").save(path)
    assert np.array_equal(read_image(path)[0], before)


@pytest.mark.parametrize("form", ["channels first", "channels last", "grey", "names", "keras"])
def test_arrays_come_in_several_forms(tmp_path: Path, form: str):
    content: dict[str, Any] = arrays(30, 3)
    x, y = content["x"], content["y"]
    if form == "channels last":
        content["x"] = x.transpose(0, 2, 3, 1)
    elif form == "grey":
        content["x"] = x = x[:, 0]
    elif form == "names":
        content["classes"] = ["c", "a", "b"]
    elif form == "keras":
        content = {"x_train": x[:20], "y_train": y[:20, None], "x_test": x[20:], "y_test": y[20:, None]}
    prepare(tmp_path / "out", dataset=str(npz(tmp_path / "data.npz", **content)))
    info = load_info(tmp_path / "out")
    names = content.get("classes", ["0", "1", "2"])
    assert info.classes == tuple(sorted(names))
    assert examples(tmp_path / "out") == Counter(
        (names[label], image.tobytes()) for image, label in zip(x, y, strict=True)
    )
    if form == "keras":
        assert info.sizes["test"] == 10


def test_a_name_of_ours_comes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    image_folder(tmp_path / "digits")
    image_folder(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert find_source("digits", "") is SOURCES["digits"]
    assert find_source("mine", "").path == Path("mine")
    with pytest.raises(SafsError, match=r"did you mean 'mnist'.*or the path of a folder"):
        find_source("mnits", "")


content = st.dictionaries(
    st.sampled_from(["cat", "dog", "🐟", "7"]),
    st.lists(st.integers(0, 3), min_size=0, max_size=8),
    min_size=1,
    max_size=4,
)


@given(content, st.integers(0, 5))
def test_a_folder_is_refused_or_read_back_as_it_is(tmp_path_factory: pytest.TempPathFactory, classes: Any, seed: int):
    root = tmp_path_factory.mktemp("random")
    expected: Counter[tuple[str, bytes]] = Counter()
    for name, values in classes.items():
        (root / "data" / name).mkdir(parents=True)
        for index, value in enumerate(values):
            array = np.full((4, 5, 3), value, np.uint8)
            Image.fromarray(array).save(root / "data" / name / f"{index}.png")
            expected[name, array.transpose(2, 0, 1).tobytes()] += 1
    try:
        prepare(root / "out", dataset=str(root / "data"), split_seed=seed)
    except SafsError:
        assert not (root / "out").exists()
        different = {name: len(set(values)) for name, values in classes.items()}
        joined = {value for values in classes.values() for value in values}
        assert len(classes) < 2 or min(different.values()) < 3 or len(joined) < sum(different.values())
    else:
        assert examples(root / "out") == expected
