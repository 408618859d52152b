"""JSON bytes → how deep objects and lists lie in each other, before any parser recurses into them.

Python's parser recurses in C.  Libraries that raise the interpreter's recursion limit (py_ecc sets
100,000) turn its RecursionError into a crash of the process, so foreign bytes are measured first.
"""

from __future__ import annotations

import re

from ledger.domain.errors import InvalidInput

#: a string, also one that is never closed: then it runs to the end, and the scan stays linear
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NEITHER = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_BRACKET = re.compile(rb"[\[\]{}]")


def require_nesting(data: bytes, *, deepest: int, field: str) -> None:
    """Raise InvalidInput when objects and lists lie more than `deepest` deep in each other."""
    if data.count(b"{") + data.count(b"[") <= deepest:
        return
    if b"\\" not in data:  # then every quote begins or ends a string, whatever else lies between
        data = data.translate(None, _NEITHER)
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > deepest:
            raise InvalidInput("lies too deep", field=field, rule=f"at most {deepest} levels")
