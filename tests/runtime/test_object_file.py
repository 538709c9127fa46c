"""The object file of the runtime's code: written whole, and run only if nobody else can have changed it."""

import subprocess
import sys

import pytest

from safs.runtime import kernels


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "kernels" / "code.o"
    kernels._keep(path, "run", b"machine code")
    return path


def test_what_was_kept_is_found_again(kept):
    assert kernels._read(kept) == ("run", b"machine code")
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b"", lambda c: c[:40] + b"?" + c[41:]]
)
def test_a_damaged_file_is_not_run(kept, damage):
    kept.write_bytes(damage(kept.read_bytes()))
    assert kernels._read(kept) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_run(kept, mode):
    kept.chmod(mode)
    assert kernels._read(kept) is None


def test_no_file_is_none(tmp_path):
    assert kernels._read(tmp_path / "code.o") is None


def test_where_nothing_can_be_kept_it_is_compiled_and_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.warns(UserWarning, match="compiled anew .* set SAFS_CACHE"):
        name, content = kernels._kept(tmp_path / "file" / "code.o")
    assert kernels.CODE(kernels._load(name, content))


def test_every_source_that_the_code_comes_from_is_in_the_key():
    program = "import sys, safs.runtime.machine; print(*(n for n in sys.modules if n.startswith('safs.runtime.')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {name.rpartition(".")[2] for name in done.stdout.split()}
    # what a network is made of says nothing about the code
    assert imported - {"network", "curves"} <= set(kernels.SOURCES)
