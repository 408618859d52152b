"""docs/errors.md and the interfaces say the same of every contract error."""

from __future__ import annotations

import re

from tests.contracts.world import ARTIFACTS, LEDGERS, abi_of

ROOT = ARTIFACTS.parent
ROW = re.compile(r"^\| `(\w+)` \| .+ \| .+ \| (wait|refuse|stop) \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    """Return error → retry class, by docs/errors.md."""
    return dict(ROW.findall((ROOT / "docs" / "errors.md").read_text("utf-8")))


def declared() -> dict[str, str]:
    """Return error → retry class, by the interfaces' NatSpec."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "contracts" / "interfaces").glob("*.sol")):
        text = re.sub(r"\n\s*/// ", " ", path.read_text("utf-8"))
        for chunk, name in re.findall(r"(@notice[^\n]*)\n\s*error (\w+)\(", text):
            found[name] = re.findall(r"Retry class: (\w+)\.", chunk)[-1]
    return found


def compiled() -> dict[str, list[str]]:
    """Return error → its arguments, by the committed ABIs; OpenZeppelin's own are left out."""
    found: dict[str, list[str]] = {}
    for name in LEDGERS:
        for item in abi_of(name):
            if item["type"] == "error":
                found[item["name"]] = [argument["name"] for argument in item["inputs"]]
    return {name: names for name, names in found.items() if name not in FOREIGN}


FOREIGN = {"InvalidShortString", "StringTooLong"}
#: Errors that belong to no single operation.
OF_CALLS = {"BatchInvalid", "DeploymentInvalid"}


def test_every_error_is_documented_with_its_retry_class() -> None:
    assert documented() == declared()
    assert set(documented()) == set(compiled())


def test_every_error_of_an_operation_names_its_digest_first() -> None:
    assert {name for name, names in compiled().items() if names[:1] != ["digest"]} == OF_CALLS
