"""Compiles the machine's code to an object file that needs neither Numba nor Python to run."""

from typing import Any

from numba import njit, types

from safs.errors import SafsError
from safs.runtime.machine import run

FROM_OUTSIDE = ("llvm.", "memcpy", "memmove", "memset")  # instructions, and what the C library has anywhere


def compile_machine() -> tuple[str, bytes]:
    """The name of `safs.runtime.machine.run` in an object file for this processor, and the file's bytes.

    Raises:
        SafsError: this version of Numba makes code that calls into Numba or Python.
    """
    compiler: Any = njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")(run.py_func)
    compiler.compile((types.int64,))
    compiled = compiler.overloads[(types.int64,)]
    _, kind, (content, _) = compiled.library.serialize_using_object_code()
    outside = [function.name for function in compiled.library._final_module.functions if function.is_declaration]
    foreign = [name for name in outside if not name.startswith(FROM_OUTSIDE)]
    if kind != "object" or foreign:
        raise SafsError(f"this Numba compiles the runtime to code that calls {foreign}; install another version")
    return compiled.fndesc.llvm_func_name, content
