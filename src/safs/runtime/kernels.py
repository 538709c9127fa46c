"""The machine's code, compiled once for this processor and kept as an object file, which LLVM alone loads.

Numba and what it registers take half a second and 90 MB of every process that runs a kernel it has cached, and its cache
does not see a change in what a kernel calls; so the object file is kept by the hash of all sources that it comes from.
"""

import ctypes
import hashlib
import os
import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm

from safs.cache import CACHE, cache_folder
from safs.runtime.lanes import target

SHIPPED = "SAFS_KERNELS"  # a folder of object files that an image brings along
SOURCES = (
    *("compiling", "elementary", "folding", "formulas", "jit", "lanes", "loops", "machine", "pooling", "program"),
    *("rules", "shapes", "strides", "strips", "vectors"),
)
CODE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)  # Numba's convention


@cache
def kernel() -> Callable[[int], None]:
    """The function that computes logits: it takes the address of what `safs.runtime.program.Call` names.

    It is compiled at the first time on a machine, which takes half a minute, and again after an update of the package, of Numba
    or of llvmlite. Other Python threads run while it computes.
    """
    file = f"{_key()}.o"
    shipped = _read(Path(os.environ[SHIPPED]) / file) if os.environ.get(SHIPPED) else None
    name, content = shipped or _kept(cache_folder() / "kernels" / file)
    code = CODE(_load(name, content))
    nothing, error = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)  # the kernel fills neither

    def compute(call: int) -> None:
        code(nothing, error, call)

    return compute


def _key() -> str:
    """What the object file depends on: sources, versions, processor."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(Path(__file__).with_name(f"{source}.py").read_bytes())
    machine = (version("numba"), version("llvmlite"), llvm.get_process_triple(), *target())
    digest.update("\0".join(machine).encode())
    return digest.hexdigest()


def _kept(path: Path) -> tuple[str, bytes]:
    """The object file's function and content, from the cache or compiled."""
    found = _read(path)
    if found:
        return found
    from safs.runtime.compiling import compile_machine

    name, content = compile_machine()
    try:
        _keep(path, name, content)
    except OSError as error:
        warnings.warn(f"the runtime is compiled anew in every process: {error}; set {CACHE}", stacklevel=3)
    return name, content


def _keep(path: Path, name: str, content: bytes) -> None:
    body = name.encode() + b"\n" + content
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(hashlib.sha256(body).digest() + body)
    beside.chmod(0o600)
    beside.replace(path)


def _read(path: Path) -> tuple[str, bytes] | None:
    """What a whole file holds that this user wrote and nobody else can change, for it is run."""
    try:
        status = path.stat()
        content = path.read_bytes()
    except OSError:
        return None
    safe = status.st_mode & 0o022 == 0 and (not hasattr(os, "geteuid") or status.st_uid in (os.geteuid(), 0))
    if not safe or hashlib.sha256(content[32:]).digest() != content[:32]:
        return None
    name, _, code = content[32:].partition(b"\n")
    return name.decode(), code


def _load(name: str, content: bytes) -> int:
    """The address of a function of an object file; its memory stays for good."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    address: int = engine.get_function_address(name)
    _ENGINES.append(engine)
    return address


_ENGINES: list[object] = []
