"""LLVM's compiler for this processor: from a text in its language to code that can be called.

llvmlite comes with `hpsearch[fast]`; nothing is written to a disk, and a compiler on the machine is not needed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any, TypeAlias

import llvmlite.binding as llvm

Code: TypeAlias = Callable[[Any], None]  # of the address of a block of numbers

_LOCK = Lock()  # LLVM's engine takes one module at a time


class Machine:
    """The compiler, and the code that it has made, which lives as long as either is held."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
        )
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        self._count = 0

    def add(self, text: str, function: str) -> Code:
        """Compile a module, and return its function of that name. Threads take turns."""
        with _LOCK:
            return self._add(text, function)

    def _add(self, text: str, function: str) -> Code:
        self._count += 1
        name = f"{function}{self._count}"
        module = llvm.parse_assembly(text.replace(f"@{function}(", f"@{name}("))
        module.verify()
        self._engine.add_module(module)
        self._engine.finalize_object()
        code: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._engine.get_function_address(name))
        code.engine = self._engine  # which owns the memory that the code lies in
        made: Code = code
        return made


def machine() -> Machine:
    """The compiler of this process: one, whichever threads ask first."""
    with _LOCK:
        return _machine()


@cache
def _machine() -> Machine:
    return Machine()
