import tarfile
from pathlib import Path

import numpy as np
import pytest

from safs.data.cifar10 import CLASSES, FILES, read_cifar10
from safs.errors import SafsError
from tests.data.archives import cifar_members, jpeg, records, write_tar


def write_binary(folder: Path, count: int = 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate([*FILES, "test_batch.bin"]):
        records(count, seed).tofile(folder / name)


@pytest.mark.parametrize("place", [".", "cifar-10-batches-bin"])
def test_the_binary_version_is_read_and_split(tmp_path: Path, place: str):
    write_binary(tmp_path / place)
    origin, parts = read_cifar10(tmp_path, 0)
    assert "binary" in origin
    assert {part: examples.x.shape for part, examples in parts.items()} == {
        "train": (80, 3, 32, 32),
        "validation": (20, 3, 32, 32),
        "test": (20, 3, 32, 32),
    }
    assert np.bincount(parts["validation"].y).tolist() == [2] * 10
    written = records(20, 5)
    assert np.array_equal(parts["test"].x[3], written[3, 1:].reshape(3, 32, 32))
    assert np.array_equal(parts["test"].y, written[:, 0])
    known = {record[1:].tobytes() for seed in range(5) for record in records(20, seed)}
    assert {image.tobytes() for part in ("train", "validation") for image in parts[part].x} == known


def test_the_seed_decides_the_split(tmp_path: Path):
    write_binary(tmp_path)
    one, same, other = (read_cifar10(tmp_path, seed)[1]["validation"].x for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("as_file", [False, True])
def test_an_archive_of_jpeg_files_is_read_in_order_of_class_and_number(tmp_path: Path, as_file: bool):
    members = cifar_members()
    backwards = dict(reversed(members.items()))
    archive = write_tar(tmp_path / "cifar10-jpeg.tar.xz", backwards)
    origin, parts = read_cifar10(archive if as_file else tmp_path, 0)
    assert "JPEG" in origin
    assert [len(parts[part].y) for part in ("train", "validation", "test")] == [40, 10, 10]
    assert parts["test"].y.tolist() == list(range(10))
    for examples in parts.values():
        assert np.abs(examples.x[:, 0].mean((1, 2)) - 20 * examples.y).max() < 4  # JPEG is not exact


@pytest.mark.parametrize("place", [".", "cifar-10-batches-py"])
def test_the_pickled_version_is_refused_with_the_way_out(tmp_path: Path, place: str):
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "data_batch_1").write_bytes(b"\x80\x04N.")
    with pytest.raises(SafsError, match=r"pickle.*cifar-10-binary"):
        read_cifar10(tmp_path, 0)


def test_a_folder_without_the_data_set_is_named(tmp_path: Path):
    with pytest.raises(SafsError, match=r"no data_batch_1.bin and no cifar10-jpeg.tar.xz in"):
        read_cifar10(tmp_path, 0)


@pytest.mark.parametrize("name", [FILES[3], "test_batch.bin"])
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    write_binary(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SafsError, match=f"{name} cannot be read"):
        read_cifar10(tmp_path, 0)


@pytest.mark.parametrize(("size", "label"), [(0, 0), (3072, 0), (3074, 0), (3073, 10)])
def test_a_damaged_file_is_named(tmp_path: Path, size: int, label: int):
    write_binary(tmp_path)
    np.full(size, label, np.uint8).tofile(tmp_path / FILES[1])
    with pytest.raises(SafsError, match=FILES[1]):
        read_cifar10(tmp_path, 0)


NAMES = ["../../train/cat/0000.jpg", "/train/cat/0000.jpg", "train/cow/0000.jpg", "train/cat/0000.png", "train/cat.jpg"]


@pytest.mark.parametrize("name", NAMES)
def test_a_member_of_another_name_is_refused_and_nothing_is_written(tmp_path: Path, name: str):
    (tmp_path / "in").mkdir()
    archive = write_tar(tmp_path / "in" / "a.tar.xz", {**cifar_members(), name: jpeg()})
    with pytest.raises(SafsError, match="of CIFAR-10"):
        read_cifar10(archive, 0)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a.tar.xz"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (jpeg(size=(32, 33)), "pixels instead of"),
        (jpeg(size=(5000, 5000)), "of at most"),
        (jpeg(form="PNG"), "not a sound JPEG"),
        (jpeg()[:300], "not a sound JPEG"),
        (b"", "not a sound JPEG"),
    ],
    ids=["another size", "huge", "another form", "cut short", "empty"],
)
def test_a_member_that_is_no_image_of_the_data_set_is_named(tmp_path: Path, content: bytes, text: str):
    archive = write_tar(tmp_path / "a.tar.xz", {**cifar_members(), "train/cat/0003.jpg": content})
    with pytest.raises(SafsError, match=rf"train/cat/0003.jpg.*{text}"):
        read_cifar10(archive, 0)


def test_a_link_in_the_archive_is_refused(tmp_path: Path):
    link = tarfile.TarInfo("train/cat/0003.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive = write_tar(tmp_path / "a.tar.xz", {**cifar_members(), "link": link})
    with pytest.raises(SafsError, match="is not a file"):
        read_cifar10(archive, 0)


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_archive_without_a_part_is_refused(tmp_path: Path, part: str):
    members = {name: content for name, content in cifar_members().items() if not name.startswith(part)}
    with pytest.raises(SafsError, match="lacks training or test images"):
        read_cifar10(write_tar(tmp_path / "a.tar.xz", members), 0)


def test_the_classes_are_those_of_the_data_set():
    assert len(set(CLASSES)) == 10
    assert list(CLASSES) == sorted(CLASSES)
