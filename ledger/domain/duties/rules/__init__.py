"""The 28 rules, each as data with the one function that judges it."""

from __future__ import annotations

from functools import cache

from ledger.domain.duties.findings import Rule
from ledger.domain.duties.rules import instruments, recall, steriliser, transport
from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.hashing import sha256

#: Raised whenever a judging function says something else of the same case.
ENGINE = 6

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*steriliser.RULES, *recall.RULES, *transport.RULES, *instruments.RULES),
        key=lambda rule: int(rule.id),
    )
)


def rule_to_plain(rule: Rule) -> dict[str, Plain]:
    """A rule as data, its function apart."""
    return {
        "id": rule.id,
        "title": {"en": rule.title.en, "zh": rule.title.zh},
        "words": {"en": rule.words.en, "zh": rule.words.zh},
        "source": rule.source,
        "clause": rule.clause,
        "requires_record": rule.requires_record,
        "holder": rule.holder,
        "applies_to": sorted(rule.applies_to),
        "terms": list(rule.terms),
        "is_critical": rule.is_critical,
    }


@cache
def rules_sha256() -> str:
    """The hash of all rules as data, 64 digits: what an answer names beside the engine."""
    return sha256(canonical([rule_to_plain(rule) for rule in RULES])).hex()
