"""Homes to crash: one with contracts and a dozen accepted operations, made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.faults.callers import Person, make_token
from tests.faults.children import Home, housing
from tests.steps.hospital import Hospital, opened_hospital

#: the serial number of the machine whose printouts are in tests/data
PRINTING = "601362"


@pytest.fixture(scope="session")
def accepted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contracts on the chain, and twelve accepted operations of seven kinds that are all owed."""
    home = tmp_path_factory.mktemp("accepted") / "home"
    with opened_hospital(home, "") as hospital:
        accept_a_dozen(hospital)
    return home


@pytest.fixture
def home(accepted_home: Path, tmp_path: Path) -> Iterator[Home]:
    """A copy of it."""
    folder = tmp_path / "home"
    shutil.copytree(accepted_home, folder)
    with housing(folder) as copied:
        yield copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """A home with a unit, two machines and a dozen owed operations, and a person who may record."""

    home: Home
    person: Person


@pytest.fixture
def ward(tmp_path: Path, database_address: str) -> Iterator[Ward]:
    """One on each database."""
    with housing(tmp_path / "home", database_address) as made:
        with opened_hospital(made.folder, database_address) as hospital:
            accept_a_dozen(hospital)
            hospital.register(1, PRINTING)
            token = make_token(hospital, 1)
        with httpx.Client(timeout=60) as client:
            yield Ward(home=made, person=Person(home=made, token=token, client=client))


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Home]:
    """A home that was never started."""
    with housing(tmp_path / "home") as empty:
        yield empty


def accept_a_dozen(hospital: Hospital) -> None:
    """Two units, a machine, a whole cycle, an opened one with its load, and a revoked signer."""
    hospital.admit(1)
    hospital.register(1, "S1")
    hospital.run_cycle("S1", 1)
    hospital.accept(hospital.opening("S1", 2))
    hospital.accept(hospital.load("S1", 2))
    hospital.admit(2)
    hospital.revoke_operator(2)
