"""An answer about duties in a file that reproduces it: the evidence it rests on, and the answer.

The evidence is the same that is exported of anything, of every record just the fields that were
read.  Whoever has the file, the deployment and a chain endpoint reads the case anew, judges it
anew, and must come to the same bytes; no database is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from ledger.domain.acts.terms import SUBJECT as TERMS_SUBJECT
from ledger.domain.acts.vocabulary import Message, integer, unit_subject
from ledger.domain.acts.words import Custody
from ledger.domain.chain.deployment import Deployment
from ledger.domain.duties.answering import Answer, answer, answer_to_plain
from ledger.domain.duties.case import SubjectKind
from ledger.domain.duties.pages import Said
from ledger.domain.duties.reading import ASKED, Question, Read, read_case
from ledger.domain.duties.rules import ENGINE, rules_sha256
from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, SteriLedgerError, VerificationFailed
from ledger.domain.operations import digest
from ledger.domain.subjects.folding import touched
from ledger.domain.subjects.states import SignerState, UnitState
from ledger.evidence.build import EvidenceSources, build_evidence
from ledger.evidence.format import MAX_NESTING, evidence_to_bytes, parse_evidence
from ledger.evidence.forms import (
    Form,
    by_name,
    fixed,
    hexadecimal,
    members,
    nullable,
    parse_canonical,
    refuse,
    several,
    text,
    whole,
    word,
)
from ledger.evidence.offline import Checked, SignatureVerifier, verify_offline
from ledger.evidence.onchain import EventReader, require_nothing_about, verify_on_chain
from ledger.evidence.selection import EVERYTHING, Selection
from ledger.evidence.shape import Subject

FORMAT = "steriledger-findings/1"
MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_EVIDENCE = 256
#: an answer stands one deeper than in the file, and evidence as deep as it goes
_DEEPEST = MAX_NESTING + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFile:
    """What a file holds, once it is parsed."""

    question: Question
    #: evidence files, as plain JSON
    evidence: Sequence[object]
    #: Unix seconds of every block that an operation of the evidence lies in
    blocks: Mapping[str, int]
    #: digests of operations whose records are kept elsewhere, ascending
    hidden: Sequence[bytes]
    #: the answer as it is claimed, plain JSON
    answer: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """An answer that was come to anew, byte for byte."""

    answer: Answer
    plain: Mapping[str, Plain]
    fingerprint: bytes
    #: of the canonical answer: what a Findings statement carries
    sha256: bytes
    #: whether a chain confirmed it, and whether the deployment came from outside the file
    is_on_chain: bool
    is_trusted: bool


# ---------------------------------------------------------------- the format


def _moment_form() -> Form[datetime]:
    form = text(40, 1)

    def read(plain: object, where: str) -> datetime:
        try:
            moment = datetime.fromisoformat(form.read(plain, where))
        except ValueError:
            refuse(where, "is no moment", "RFC 3339 with Z")
        if moment.tzinfo is None or instant_text(moment) != plain:
            refuse(where, "is not spelt as moments are", "UTC with Z")
        return moment.astimezone(UTC)

    return Form(read, instant_text, {"type": "string", "format": "date-time"})


_ANYTHING: Form[object] = Form(lambda plain, _: plain, lambda value: value, {"type": "object"})
_QUESTION = members(
    Question,
    {
        "kind": ("kind", word(ASKED, SubjectKind)),
        "subject": ("subject", text(80, 1)),
        "asOf": ("as_of", _moment_form()),
        "then": ("then", nullable(_moment_form())),
    },
)
FILE: Form[AnswerFile] = members(
    AnswerFile,
    {
        "format": ("", fixed(FORMAT, None)),
        "question": ("question", _QUESTION),
        "evidence": ("evidence", several(_ANYTHING, MAX_EVIDENCE, 1)),
        "blocks": ("blocks", by_name(text(16, 1, "0|[1-9][0-9]*"), whole(), 100_000)),
        "notReadable": ("hidden", several(hexadecimal(32, 32), 100_000)),
        "answer": ("answer", _ANYTHING),
    },
)


def parse_answer_file(data: bytes) -> AnswerFile:
    """The content of a file; raises VerificationFailed.  Nothing is judged but its shape."""
    return FILE.read(parse_canonical(data, longest=MAX_FILE_BYTES, deepest=_DEEPEST), "")


# ---------------------------------------------------------------- making


def said_in(checked: Checked, blocks: Mapping[str, int]) -> Iterable[Said]:
    """The operations of one evidence file, with the times of their blocks."""
    for entry in checked.ordered:
        mined_at = blocks.get(str(entry.place.block))
        if mined_at is None:
            raise VerificationFailed(
                f"the time of block {entry.place.block} is missing", field="blocks"
            )
        yield Said(
            digest=entry.digest,
            act=entry.act,
            message=entry.message,
            facts=entry.facts,
            block=entry.place.block,
            log=entry.place.log_index,
            mined_at=mined_at,
        )


def make_answer_file(  # noqa: PLR0913 - a question, and all that an answer is made of
    question: Question,
    subjects: Sequence[Subject],
    deployment: Deployment,
    sources: EvidenceSources,
    time_of: Callable[[int], int],
    *,
    verify_signature: SignatureVerifier,
    case_units: frozenset[int] | None = None,
) -> bytes:
    """The file about a question, from the evidence of these subjects.

    It is read twice: of the whole records, and of the fields that were read then, which are all
    that the file shows.  `time_of` gives the Unix seconds of a block.  Raises InvalidInput and
    VerificationFailed as `build_evidence`.
    """
    if len(subjects) > MAX_EVIDENCE:
        raise InvalidInput(
            f"would have {len(subjects)} parts",
            field="findings",
            rule=f"at most {MAX_EVIDENCE}",
            remedy="ask about one cycle or consignment of it",
        )

    def build(subject: Subject, disclose: tuple[str, ...]) -> Checked:
        data = build_evidence(
            subject,
            deployment,
            sources,
            disclose=Selection(disclose=disclose),
            verify_signature=verify_signature,
        )
        return verify_offline(parse_evidence(data), deployment, verify_signature=verify_signature)

    whole_records = [build(each, (EVERYTHING,)) for each in subjects]
    numbers = sorted({e.place.block for each in whole_records for e in each.ordered})
    blocks = {str(number): time_of(number) for number in numbers}
    hidden = sorted({e.digest for each in whole_records for e in each.ordered if e.record is None})
    used = _read(question, whole_records, blocks, hidden).used
    shown = [
        build(subject, _patterns(each, used, case_units))
        for subject, each in zip(subjects, whole_records, strict=True)
    ]
    read = _read(question, shown, blocks, hidden)
    documents = [parse_plain(evidence_to_bytes(each.evidence)) for each in shown]
    file = AnswerFile(
        question=question, evidence=documents, blocks=blocks, hidden=hidden, answer=None
    )
    plain = _answer_to_plain(
        answer(read.case, then=question.then, before=read.before), deployment, file
    )
    file = replace(file, answer=plain)
    data = canonical(cast("Any", FILE.write(file)))
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"would have {len(data)} bytes", field="findings", rule=f"at most {MAX_FILE_BYTES}"
        )
    return data


def answer_unproven(  # noqa: PLR0913 - a question, and all that an answer is made of
    question: Question,
    subjects: Sequence[Subject],
    deployment: Deployment,
    sources: EvidenceSources,
    time_of: Callable[[int], int],
    *,
    custody_of: Callable[[bytes], str],
    case_units: frozenset[int] | None = None,
) -> dict[str, Plain]:
    """The same answer as in the file, read of what is stored and without a proof of it."""
    said: dict[bytes, Said] = {}
    hidden: set[bytes] = set()

    def take(ids: AbstractSet[bytes]) -> None:
        for source in sources.find(ids):
            domain = deployment.domain_of(source.act.contract)
            name = digest(source.act, source.message, domain)
            if source.record is None:
                hidden.add(name)
            facts = {} if source.record is None else source.record.facts.fields or {}
            if case_units is not None and integer(source.message, "unit") not in case_units:
                facts = {path: each for path, each in facts.items() if not _is_token(path, each)}
            said[name] = Said(
                digest=name,
                act=source.act,
                message=source.message,
                facts=facts,
                block=source.place.block,
                log=source.place.log_index,
                mined_at=time_of(source.place.block),
            )

    take({each.id for each in subjects})
    take(said.keys())  # what was said to them
    take(
        {
            unit_subject(cast("int", key[0]))
            for each in said.values()
            for cls, key in touched(each.act, each.message)
            if cls is UnitState
        }
    )
    read = read_case(
        question,
        said.values(),
        block=sources.as_of.number,
        custody_of=custody_of,
        hidden=hidden,
    )
    return {
        **answer_to_plain(answer(read.case, then=question.then, before=read.before)),
        "deployment": to_hex(deployment.fingerprint()),
    }


def _is_kept_back(
    path: str, value: object, message: Message, case_units: frozenset[int] | None
) -> bool:
    """Whether it is the token of a case of another unit than these; None: all may be shown."""
    is_others = case_units is not None and integer(message, "unit") not in case_units
    return is_others and _is_token(path, value)


def _is_token(path: str, value: object) -> bool:
    """Whether it is the token of a case in a line."""
    return path.endswith(".case") and path.startswith("lines.") and value is not None


def _patterns(
    checked: Checked, used: Mapping[bytes, frozenset[str]], case_units: frozenset[int] | None
) -> tuple[str, ...]:
    """What was read of the operations of one file, as it is disclosed."""
    found = {
        f"{entry.act.schema}:{path}": None
        for entry in checked.ordered
        for path in sorted(used.get(entry.digest, ()))
        if path in entry.facts
        and not _is_kept_back(path, entry.facts[path], entry.message, case_units)
    }
    return tuple(found)


def parse_plain(data: bytes) -> object:
    """One evidence file as plain JSON."""
    return parse_canonical(data, longest=MAX_FILE_BYTES, deepest=MAX_NESTING)


def _read(
    question: Question,
    checked: Sequence[Checked],
    blocks: Mapping[str, int],
    hidden: Sequence[bytes],
) -> Read:
    ends = {each.evidence.as_of for each in checked}
    if len(ends) != 1:
        raise VerificationFailed(
            "its parts end at different blocks", field="evidence", rule="complete up to one block"
        )
    custody: dict[bytes, str] = {}
    for each in checked:
        for signer in each.evidence.keys:
            state = each.view.find(SignerState, signer)
            if state is not None:
                custody[bytes(signer)] = Custody(state.custody).name.lower()
    said = [entry for each in checked for entry in said_in(each, blocks)]
    unused = blocks.keys() - {str(each.block) for each in said}
    if unused:
        raise VerificationFailed(
            f"block {min(unused)} holds none of its operations", field="blocks"
        )
    return read_case(
        question,
        said,
        block=ends.pop().number,
        custody_of=lambda signer: custody.get(signer, "authority"),
        hidden=frozenset(hidden),
    )


def _answer_to_plain(found: Answer, deployment: Deployment, file: AnswerFile) -> dict[str, Plain]:
    parts: dict[str, Any] = {
        "evidence": file.evidence,
        "blocks": file.blocks,
        "notReadable": [to_hex(each) for each in file.hidden],
    }
    rests_on = canonical(parts)
    return {
        **answer_to_plain(found),
        "deployment": to_hex(deployment.fingerprint()),
        "rests_on": sha256(rests_on).hex(),
    }


# ---------------------------------------------------------------- checking


def verify_answer_file(
    data: bytes,
    deployment: Deployment | None,
    chain: EventReader | None,
    *,
    verify_signature: SignatureVerifier,
) -> Reproduced:
    """Come to the answer anew; raises VerificationFailed at the first thing that does not hold.

    `deployment` is what the reader trusts; None uses the evidence's own copy.  Without a chain
    nothing is said of whether it is recorded there, or whether something was left out.
    """
    file = parse_answer_file(data)
    _require_engine(file.answer)
    parsed = [parse_evidence(canonical(cast("Any", each))) for each in file.evidence]
    trusted = parsed[0].deployment if deployment is None else deployment
    checked = [verify_offline(e, trusted, verify_signature=verify_signature) for e in parsed]
    if chain is not None:
        for each in checked:
            _require_times(file.blocks, verify_on_chain(each, trusted, chain).times)
        if all(each.evidence.subject.id != TERMS_SUBJECT for each in checked):
            # terms that were left out would leave the defaults
            until = max(each.evidence.as_of.number for each in checked)
            require_nothing_about(TERMS_SUBJECT, until, trusted, chain)
    try:
        read = _read(file.question, checked, file.blocks, file.hidden)
        found = answer(read.case, then=file.question.then, before=read.before)
    except VerificationFailed:
        raise
    except SteriLedgerError as error:
        raise VerificationFailed(error.what, field=error.field, rule=error.rule) from None
    except (ValueError, OverflowError, OSError) as error:
        raise VerificationFailed(f"a time in it is out of range: {error}") from None
    plain = _answer_to_plain(found, trusted, file)
    _require_fields_used(checked, read)
    if canonical(plain) != canonical(cast("Any", file.answer)):
        raise VerificationFailed(
            "the answer in the file is not the one that follows from its evidence",
            field="answer",
            rule="the same operations, terms and rules make the same bytes",
        )
    return Reproduced(
        answer=found,
        plain=plain,
        fingerprint=trusted.fingerprint(),
        sha256=sha256(canonical(plain)),
        is_on_chain=chain is not None,
        is_trusted=deployment is not None,
    )


def _require_engine(claimed: object) -> None:
    """A rule set that changed between answer and check is named, not called a forgery."""
    found = claimed if isinstance(claimed, dict) else {}
    for name, ours in (("engine", ENGINE), ("rules_sha256", rules_sha256())):
        if found.get(name) != ours:
            raise VerificationFailed(
                f"the answer was made with {name} {found.get(name)!r:.80}, and here is {ours!r}",
                field=f"answer.{name}",
                rule="an answer is checked with the rule set that made it",
                remedy="check it with the version of this program that made it",
            )


def _require_times(claimed: Mapping[str, int], times: Mapping[int, int]) -> None:
    for number, seconds in times.items():
        if claimed.get(str(number), seconds) != seconds:
            raise VerificationFailed(
                f"block {number} has another time on the chain", field=f"blocks.{number}"
            )


def _require_fields_used(checked: Sequence[Checked], read: Read) -> None:
    """Nothing is shown that was not read: a file tells no more than its answer needs."""
    used: set[str] = set().union(*read.used.values()) if read.used else set()
    for each in checked:
        for entry in each.ordered:
            if entry.people or not entry.facts.keys() <= used:
                raise VerificationFailed(
                    f"{entry} shows more than the answer read", field="evidence"
                )
