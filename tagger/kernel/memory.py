"""Numbers at addresses, for compiled code: reading, writing, and records. Without arrays nothing is counted, checked or raised,
so that the object code needs no other. Whole numbers are read as 64 bits; keys, which are only mixed and compared, unsigned.
"""

import ctypes

import numpy as np
from llvmlite import ir
from numba import from_dtype, njit, types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

# A function of the pass: part of the object code wherever it is called.
compiled = njit(error_model="numpy")


def _place(context, builder, stored, address, i):
    kind = context.get_data_type(stored)
    return builder.gep(builder.inttoptr(address, kind.as_pointer()), [i], source_etype=kind)


def _reader(stored, read):
    @intrinsic
    def number(context, address, i):  # noqa: ARG001
        def codegen(context, builder, signature, arguments):  # noqa: ARG001
            value = builder.load(_place(context, builder, stored, *arguments))
            return context.cast(builder, value, stored, read)

        return read(types.int64, types.int64), codegen

    return number


def _writer(stored):
    @intrinsic
    def write(context, address, i, value):  # noqa: ARG001
        def codegen(context, builder, signature, arguments):
            value = context.cast(builder, arguments[2], signature.args[2], stored)
            builder.store(value, _place(context, builder, stored, *arguments[:2]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, value), codegen

    return write


def _stored(kind):
    """Pointers and numbers of 64 bits are one and the same here."""
    return np.int64 if ctypes.sizeof(kind) == ctypes.sizeof(ctypes.c_void_p) else np.dtype(kind)


def record_at(record: type[ctypes.Structure]):
    """Return a function that takes an address for that of a record."""
    record_type = from_dtype(np.dtype([(name, _stored(kind)) for name, kind, *_ in record._fields_], align=True))

    @intrinsic
    def at(context, address):  # noqa: ARG001
        def codegen(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return record_type(types.int64), codegen

    return at


@intrinsic
def square_root(context, number):  # noqa: ARG001
    """The processor's own: `math.sqrt` calls a library where errors count."""

    def codegen(context, builder, signature, arguments):  # noqa: ARG001
        function = builder.module.declare_intrinsic("llvm.sqrt", [arguments[0].type])
        return builder.call(function, arguments)

    return types.float64(types.float64), codegen


@intrinsic
def fetch_early(context, address):  # noqa: ARG001
    """Have the line of the cache at an address loaded while other work is done."""

    def codegen(context, builder, signature, arguments):  # noqa: ARG001
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, keep, data = number(0), number(3), number(1)
        builder.call(function, [builder.inttoptr(arguments[0], pointer), to_read, keep, data])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def u64_at(context, address):  # noqa: ARG001
    """Read eight bytes anywhere."""

    def codegen(context, builder, signature, arguments):  # noqa: ARG001
        kind = ir.IntType(64)
        return builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1, typ=kind)

    return types.uint64(types.int64), codegen


@intrinsic
def lowest_bit(context, number):  # noqa: ARG001
    """Return the place of the lowest bit that is set."""

    def codegen(context, builder, signature, arguments):  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen


u8, u16, u32, i32 = (_reader(kind, types.int64) for kind in (types.uint8, types.uint16, types.uint32, types.int32))
u64, f64 = _reader(types.uint64, types.uint64), _reader(types.float64, types.float64)
set_u8, set_u32, set_i32, set_u64, set_f64 = map(_writer, (types.uint8, types.uint32, types.int32, types.uint64, types.float64))
