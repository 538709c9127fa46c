import os
from pathlib import Path

import pytest

from safs.errors import SafsError
from safs.files import check_free, code_version, fingerprint, move_folder, read_json, write_json, write_text


def made(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_json_comes_back_as_it_was_written(tmp_path: Path):
    value = {"a": [1, 2.5, None, True], "ü": "ß"}
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


def test_writing_replaces_and_leaves_nothing_beside(tmp_path: Path):
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "two")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "two"}


def test_a_reader_of_the_old_file_sees_it_whole(tmp_path: Path):
    write_text(tmp_path / "a.txt", "old")
    with (tmp_path / "a.txt").open() as reader:
        write_text(tmp_path / "a.txt", "new and longer")
        assert reader.read() == "old"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path):
    write_json(tmp_path / "a.json", [1])
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"not json": object()})
    assert read_json(tmp_path / "a.json") == [1]


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe", b"{'a': 1}"])
def test_a_file_that_is_not_json_is_named_in_a_safs_error(tmp_path: Path, content: bytes):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SafsError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")


def test_a_missing_file_is_named_in_a_safs_error(tmp_path: Path):
    with pytest.raises(SafsError, match=r"none\.json does not exist"):
        read_json(tmp_path / "none.json")


def test_a_file_where_a_folder_is_expected_is_a_safs_error(tmp_path: Path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SafsError, match=r"dataset\.json"):
        read_json(tmp_path / "data" / "dataset.json")


def test_a_folder_where_a_file_is_expected_is_a_safs_error(tmp_path: Path):
    (tmp_path / "dataset.json").mkdir()
    with pytest.raises(SafsError, match=r"dataset\.json"):
        read_json(tmp_path / "dataset.json")


def test_a_moved_folder_is_whole_and_leaves_its_place(tmp_path: Path):
    source = made(tmp_path / "source", a="1", b="2")
    move_folder(source, tmp_path / "new" / "target")
    assert not source.exists()
    assert sorted(path.name for path in (tmp_path / "new" / "target").iterdir()) == ["a", "b"]


def test_a_folder_can_be_moved_onto_an_empty_one(tmp_path: Path):
    source = made(tmp_path / "source", a="1")
    (tmp_path / "target").mkdir()
    move_folder(source, tmp_path / "target")
    assert (tmp_path / "target" / "a").read_text() == "1"


def test_a_folder_is_moved_to_another_file_system(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    elsewhere = memory / f"safs-test-{os.getpid()}"
    source = made(elsewhere / "source", a="1")
    try:
        made(tmp_path / ".target.partial", stale="from a move that was cut short")
        move_folder(source, tmp_path / "target")
        assert not source.exists()
        assert {path.name: path.read_text() for path in (tmp_path / "target").iterdir()} == {"a": "1"}
        assert [path.name for path in tmp_path.iterdir()] == ["target"]
    finally:
        if source.exists():
            (source / "a").unlink()
            source.rmdir()
        elsewhere.rmdir()


def test_a_folder_is_not_moved_onto_one_that_holds_something(tmp_path: Path):
    source, target = made(tmp_path / "source", a="1"), made(tmp_path / "target", b="2")
    with pytest.raises(SafsError, match="already exists"):
        move_folder(source, target)
    assert (source / "a").read_text() == "1"
    assert [path.name for path in target.iterdir()] == ["b"]


def test_only_nothing_and_an_empty_folder_are_free(tmp_path: Path):
    check_free(tmp_path / "none")
    check_free(tmp_path)
    (tmp_path / "file").write_text("")
    for taken in (tmp_path / "file", tmp_path):
        with pytest.raises(SafsError, match="already exists"):
            check_free(taken)


def test_a_fingerprint_does_not_depend_on_where_the_folder_lies(tmp_path: Path):
    one, two = made(tmp_path / "one", a="1", b="2"), made(tmp_path / "x" / "two", b="2", a="1")
    assert fingerprint(one) == fingerprint(two)


@pytest.mark.parametrize(
    "other", [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {"a": "12"}]
)
def test_a_fingerprint_changes_with_names_and_bytes(tmp_path: Path, other: dict[str, str]):
    assert fingerprint(made(tmp_path / "one", a="1", b="2")) != fingerprint(made(tmp_path / "two", **other))


def test_a_fingerprint_sees_files_in_folders_below(tmp_path: Path):
    made(tmp_path / "one" / "below", a="1")
    made(tmp_path / "two" / "below", a="2")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")


def test_a_file_has_a_fingerprint_of_its_bytes(tmp_path: Path):
    folder = made(tmp_path / "files", a="1", b="1", c="2")
    assert fingerprint(folder / "a") == fingerprint(folder / "b") != fingerprint(folder / "c")


def test_the_fingerprint_of_nothing_is_a_safs_error(tmp_path: Path):
    with pytest.raises(SafsError, match="none' does not exist"):
        fingerprint(tmp_path / "none")


def test_the_code_has_one_version():
    assert code_version() == code_version()
    assert len(bytes.fromhex(code_version())) == 8
