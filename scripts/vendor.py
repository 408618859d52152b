"""Copies what pages load from node_modules into api/static/vendor, with where each file is from.

`--check` only compares: what is committed is what the locked packages hold.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "api" / "static" / "vendor"
MANIFEST = VENDOR / "vendor.json"
#: our name → package and file within it
FILES = {
    "htmx.js": ("htmx.org", "dist/htmx.min.js"),
    "htmx.LICENSE.txt": ("htmx.org", "LICENSE"),
    "pico.css": ("@anyblades/pico", "css/pico.min.css"),
    "pico.LICENSE.txt": ("@anyblades/pico", "LICENSE.md"),
    "zxing.js": ("zxing-wasm", "dist/iife/reader/index.js"),
    "zxing.wasm": ("zxing-wasm", "dist/reader/zxing_reader.wasm"),
    "zxing.LICENSE.txt": ("zxing-wasm", "LICENSE"),
}


def main() -> int:
    """Copy, or compare."""
    wanted = {
        name: (MODULES / package / path).read_bytes() for name, (package, path) in FILES.items()
    }
    manifest = json.dumps({name: _source(name, data) for name, data in wanted.items()}, indent=2)
    files = {
        **{VENDOR / name: data for name, data in wanted.items()},
        MANIFEST: f"{manifest}\n".encode(),
    }
    if "--check" not in sys.argv:
        for path, data in files.items():
            path.write_bytes(data)
        return 0
    others = [path.name for path, data in files.items() if path.read_bytes() != data]
    for name in others:
        print(f"api/static/vendor/{name} is not what its package holds; run scripts/vendor.py")
    return bool(others)


def _source(name: str, data: bytes) -> dict[str, str]:
    package, path = FILES[name]
    about = json.loads((MODULES / package / "package.json").read_text("utf-8"))
    return {
        "package": package,
        "version": about["version"],
        "licence": about["license"],
        "file": path,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


if __name__ == "__main__":
    sys.exit(main())
