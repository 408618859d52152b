"""What somebody reports of an asset: used, looked at, damaged, short, found.

What happened is never refused.  Whoever has or had the asset reports; another unit's report is kept
as what it is, a third party's, and moves nothing.
"""

from __future__ import annotations

from ledger.domain.acts import moving
from ledger.domain.acts.vocabulary import (
    Field,
    Named,
    OneOf,
    Photo,
    Whole,
    Words,
    optional_field,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right

#: what was done or seen
WHAT = ("used", "looked_at", "damaged", "short", "found")


ACT = witness(
    name="AssetReport",
    kind=21,
    doc="What somebody reports of an asset: used, looked at, damaged, short, found.",
    right=Right.REPORT,
    retention="sterilisation",
    command="asset report",
    shows_facts=True,
    about=Field("thing", Named("asset_had"), "code, name or id of the asset", is_argument=True),
    fields=(
        Field("what", OneOf(WHAT), "what was done or seen", is_argument=True),
        *moving.condition_fields(),
        optional_field("instruments_expected", Whole(0, 10_000, None), "how many there should be"),
        optional_field("photo_sha256", Photo(), "a photo of it", option="photo"),
        optional_field(
            "case_token",
            Words(64),
            "random token of the case; never a hospital number",
            is_personal=True,
        ),
    ),
    says="an asset was reported",
)
