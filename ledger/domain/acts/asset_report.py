"""What somebody reports of an asset: used, looked at, damaged, short, found.

What happened is never refused.  Whoever has or had the asset reports; another unit's report is kept
as what it is, a third party's, and moves nothing.
"""

from __future__ import annotations

from ledger.domain.acts import moving
from ledger.domain.acts.vocabulary import (
    Field,
    Given,
    Named,
    OneOf,
    Photo,
    Whole,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope

#: what was done or seen
WHAT = ("used", "looked_at", "damaged", "short", "found")


ACT = witness(
    name="AssetReport",
    kind=21,
    doc="What somebody reports of an asset: used, looked at, damaged, short, found.",
    schema="asset-report/1",
    right=Right.REPORT,
    scope=Scope.REPORT,
    retention="sterilisation",
    command="asset report",
    on_chain=WitnessScope.ANYBODY,
    mode=WitnessMode.ENTRY,
    shows_facts=True,
    about=Field(
        name="thing", of=Named("asset_had"), help="code, name or id of the asset", is_argument=True
    ),
    fields=(
        Field(name="what", of=OneOf(WHAT), help="what was done or seen", is_argument=True),
        *moving.condition_fields(),
        Field(
            name="instruments_expected",
            of=Whole(0, 10_000, None),
            given=Given.OPTIONAL,
            help="how many there should be",
        ),
        Field(
            name="photo_sha256",
            of=Photo(),
            given=Given.OPTIONAL,
            option="photo",
            help="a photo of it",
        ),
        Field(
            name="case_token",
            of=Words(64),
            given=Given.OPTIONAL,
            is_personal=True,
            help="random token of the case; never a hospital number",
        ),
    ),
    says=lambda _message: "an asset was reported",
)
