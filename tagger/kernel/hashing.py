"""Keys of two numbers -> their places, in tables with open addresses."""

import numpy as np

from tagger.kernel.memory import compiled, i32, set_i32, u64

_U = np.uint64
_HALF, _MIX_A, _MIX_B, _POSITIVE = _U(32), _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0x7FFFFFFF)


@compiled
def hash_of(a, b):
    """Return a hash of a key, at least 0."""
    return np.int64(((a * _MIX_A ^ b * _MIX_B) * _MIX_A) >> _HALF & _POSITIVE)


@compiled
def find(slots, mask, keys, size, a, b):
    """Return the place of a key, -1 where it is not. keys: `size` numbers a place, of which the first two are the key."""
    at = hash_of(a, b) & mask
    while True:
        place = i32(slots, at) - 1
        if place < 0 or (u64(keys, place * size) == a and u64(keys, place * size + 1) == b):
            return place
        at = (at + 1) & mask


def place(slots, mask, keys, size, n):
    """Fill an empty hash table with n keys, `size` numbers from one to the next; those that are all 0 are left out."""
    for k in range(n):
        a, b = u64(keys, k * size), u64(keys, k * size + 1)
        if a | b:
            at = hash_of(a, b) & mask
            while i32(slots, at):
                at = (at + 1) & mask
            set_i32(slots, at, k + 1)
