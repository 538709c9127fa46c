import pytest

from safs.runtime.caches import LEAST, cache


def describe(folder, level, kind, size):
    folder.mkdir(parents=True)
    for name, said in {"level": level, "type": kind, "size": size}.items():
        (folder / name).write_text(f"{said}\n")


def test_the_caches_are_those_that_the_system_describes(tmp_path):
    describe(tmp_path / "index0", 1, "Data", "48K")
    describe(tmp_path / "index1", 1, "Instruction", "96K")
    describe(tmp_path / "index2", 2, "Unified", "2048K")
    describe(tmp_path / "index3", 3, "Unified", "32768K")
    assert [cache(level, tmp_path) for level in (1, 2)] == [48 * 1024, 2 * 2**20]


@pytest.mark.parametrize("size", ["", "many", "16K"])
def test_a_system_that_says_nothing_of_use_is_taken_to_have_small_ones(tmp_path, size):
    describe(tmp_path / "index0", 1, "Data", size)
    (tmp_path / "index1").mkdir()
    assert [cache(level, tmp_path) for level in (1, 2)] == [LEAST[1], LEAST[2]]
    assert cache(1, tmp_path / "nothing") == LEAST[1]
