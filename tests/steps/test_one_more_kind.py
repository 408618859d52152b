"""One more kind of statement: a declaration and a row, and everything else works with it.

A child process adds the row before anything reads the catalogue, and goes from words to the audit.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from enum import IntEnum
from pathlib import Path
from types import ModuleType

import pytest

from ledger.domain.acts.vocabulary import (
    Choice,
    Field,
    Given,
    Moment,
    Named,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import packed_numbers, witness
from ledger.domain.acts.words import Right

ROOT = Path(__file__).parents[2]
CATALOGUE = "ledger.domain.acts.catalogue"


class Finding(IntEnum):
    """What the technician found."""

    SOUND = 1
    WORN = 2


ACT = witness(
    name="MachineInspection",
    kind=900,
    doc="What a technician found at a machine; one finding stands at a time.",
    right=Right.REPORT,
    command="equipment inspect",
    on_chain=WitnessScope.OWN_MACHINE,
    mode=WitnessMode.STATE,
    about=Field(name="equipment", of=Named("equipment"), is_argument=True),
    packs=("finding", "next_due"),
    fields=(
        Field(name="finding", of=Choice(Finding), is_argument=True),
        Field(name="next_due", of=Moment(), given=Given.OPTIONAL),
        Field(name="part", of=Words(), given=Given.OPTIONAL),
    ),
    says=lambda message: f"a machine was inspected: {Finding(packed_numbers(message)[0]).name}",
)


@pytest.mark.timeout(300)
def test_a_kind_that_is_only_declared_is_accepted_recorded_indexed_and_audited(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(Path(__file__)), str(tmp_path / "home")]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.stdout.endswith("as declared\n"), told.stderr[-3000:]


def add_the_row() -> None:
    """The catalogue as its file is, and one row more."""
    spec = importlib.util.find_spec(CATALOGUE)
    assert spec and spec.origin  # noqa: PT018 - one fact
    module = importlib.util.module_from_spec(spec)
    sys.modules[CATALOGUE] = module
    one_more = ModuleType(f"{spec.parent}.one_more")
    one_more.__dict__["ACT"] = ACT
    sys.modules[one_more.__name__] = one_more
    source = Path(spec.origin).read_text("utf-8")
    whole = source.replace(" comment ", " comment one_more ", 1)
    exec(compile(whole, spec.origin, "exec"), module.__dict__)  # noqa: S102 - our own file


def main(home: Path) -> None:
    """What the test asks, in a process whose catalogue has the row."""
    add_the_row()
    from api.bodies import body_of  # noqa: PLC0415 - after the row
    from ledger.cli.commands import command_of  # noqa: PLC0415
    from ledger.domain.errors import Conflict  # noqa: PLC0415
    from ledger.domain.subjects.states import CurrentWitness, WitnessState  # noqa: PLC0415
    from ledger.steps.auditing.audit import audit  # noqa: PLC0415
    from ledger.storage import index  # noqa: PLC0415
    from tests.steps.hospital import opened_hospital  # noqa: PLC0415

    assert {"equipment", "finding", "next_due", "part"} <= body_of(ACT).model_fields.keys()
    assert command_of(ACT, "inspect").name == "inspect"
    with opened_hospital(home, "") as hospital:
        hospital.admit(1)
        hospital.register(1, "S1")
        hospital.new_signer(1, Right.REPORT)
        first = hospital.say("MachineInspection", equipment="S1", finding="worn", part="door seal")
        second = hospital.say("MachineInspection", equipment="S1", finding="sound", reason="mended")
        with pytest.raises(Conflict, match="already"):
            hospital.say("MachineInspection", equipment="S1", finding="sound", replaces=None)
        hospital.settle(hospital.writer())
        with hospital.instance.database.transaction() as tx:
            current = index.get(tx, CurrentWitness, 900, hospital.machines["S1"].id, 1)
            assert current.digest == second
            assert index.get(tx, WitnessState, first).replaced_by == second
        assert audit(hospital.instance, hospital.link.node).differences == ()
        with hospital.instance.database.transaction() as tx:
            index.remove(tx, CurrentWitness, kind=900)
        (difference,) = audit(hospital.instance, hospital.link.node).differences
        assert (difference.table, difference.field) == ("idx_current_witnesses", "row")
    print("as declared")  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(Path(sys.argv[1]))
