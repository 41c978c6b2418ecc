"""The functions of the pass -> machine code that refers to nothing else."""

import llvmlite.binding as llvm
import numpy as np
from numba import cfunc, types
from numpy.typing import NDArray

from tagger.kernel.compiled import FUNCTIONS
from tagger.kernel.deciding import strongest
from tagger.kernel.hashing import place
from tagger.kernel.passes import read
from tagger.kernel.rows import divide


def object_code(functions=(read, strongest, place, divide)) -> NDArray[np.uint8]:
    """Return the machine code of functions of numbers, for any processor of this machine's kind; it refers to nothing else."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=3, reloc="pic", codemodel="default")
    module, *others = (_module(function, types.void(*[types.int64] * FUNCTIONS[function.__name__])) for function in functions)
    for other in others:
        module.link_in(other)
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return np.frombuffer(machine.emit_object(module), dtype=np.uint8)


def _module(function, signature):
    """Compile a function and hide everything else, so that what handles errors, of which there are none, is left out."""
    callback = cfunc(signature, error_model="numpy")(function)
    module = llvm.parse_assembly(callback.inspect_llvm())
    for defined in (*module.functions, *module.global_variables):
        if defined.name == callback.native_name:
            defined.name = function.__name__
        elif not defined.is_declaration:
            defined.linkage = "internal"
    return module
