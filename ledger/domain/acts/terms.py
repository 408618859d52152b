"""The authority publishes the group's terms: one document, which replaces the one before."""

from __future__ import annotations

from ledger.domain.acts.rules import captured_at
from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Given,
    Lines,
    Message,
    Named,
    Records,
    View,
    WitnessMode,
    WitnessScope,
    Words,
    word,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.duties.terms import Terms, parse_terms, require_successor
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput
from ledger.domain.statement.agreement import parse_agreement

#: What every version is about.
SUBJECT = sha256(b"the group's terms")
_PART = 4000


def parts_of(terms: Terms) -> list[dict[str, str]]:
    """A document as the lines of its record: canonical JSON, cut where no blank stands."""
    text, lines = canonical(dict(terms.document)).decode(), []
    while text:
        cut = min(_PART, len(text))
        while cut < len(text) and " " in text[cut - 1 : cut + 1]:
            cut -= 1
        lines.append({"part": text[:cut]})
        text = text[cut:]
    return lines


def document_of(facts: Facts) -> bytes:
    """The document that a record's lines hold."""
    count = sum(1 for path in facts if path.startswith("lines.") and path.endswith(".part"))
    return "".join(str(facts[f"lines.{at}.part"]) for at in range(count)).encode()


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It is whole, is what was signed, follows the version before, and begins in the future.

    What no account could be made by is no version: it could never be taken back.
    """
    terms = parse_terms(document_of(facts))
    agreed = parse_agreement(terms.document, sha256=bytes.fromhex(terms.sha256))
    if bytes.fromhex(terms.sha256) != word(message, "content"):
        raise InvalidInput(
            "is not the hash of the document", field="document", rule="SHA-256 of its RFC 8785 form"
        )
    if terms.holds_from < captured_at(facts):
        raise InvalidInput(
            f"{terms.holds_from.isoformat()} is over",
            field="holds_from",
            rule="terms hold from a moment that is still to come",
        )
    if any(word(message, "replaces")):
        before = parse_terms(document_of(records.facts_of(word(message, "replaces"))))
        require_successor([before], terms)
        if before.offset.total_seconds() != agreed.offset:
            raise InvalidInput(
                f"is {agreed.offset // 60}, and was {before.document['offset_minutes']}",
                field="offset_minutes",
                rule="the months of a group have one offset for ever",
            )


ACT = witness(
    name="Terms",
    kind=15,
    doc="The authority publishes the group's terms: deadlines, thresholds, hours, prices.",
    right=None,
    command="terms record",
    on_chain=WitnessScope.AUTHORITY,
    mode=WitnessMode.STATE,
    shows_facts=True,
    amendment_needs_reason=False,
    about=Field("terms", Named("anything"), given=Given.NEVER, default=SUBJECT, required=True),
    packs=("document",),
    fields=(
        Field("document", Named("anything"), "SHA-256 of the document"),
        Field(
            "lines",
            Lines({"part": Words(_PART)}, fewest=1, most=64),
            "the document in its RFC 8785 form, in parts of at most 4000 characters",
            option="line",
        ),
    ),
    says="the authority published terms",
    record_rules=record_rules,
)
