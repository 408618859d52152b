"""Collects every English text that pages show, and adds what is new to the catalogues.

Texts stand in templates, in `_`, `N_` and `say` of the pages, in the acts' declarations, in words
that states and records hold, and in the sentences of errors, where `{}` stands for what they name.
`--check` only says what is not translated.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from api import problems
from api.pages.acting import title_of
from api.pages.words import CATALOGUES, LANGUAGES, measured, spoken
from ledger.domain.acts import asking, words
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.custody import ConsignmentStatus
from ledger.domain.acts.decisions import DecisionState
from ledger.domain.acts.vocabulary import Each, Field, Lines, Parts
from ledger.domain.callers import Scope
from ledger.domain.custody.codes import TROUBLES
from ledger.domain.custody.expiry import source
from ledger.domain.custody.fold import Overlay, Stage
from ledger.domain.custody.lines import Deed
from ledger.domain.custody.outcomes import OUTCOMES
from ledger.domain.custody.recalls import Found
from ledger.domain.duties import findings
from ledger.domain.duties.case import How, SubjectKind
from ledger.domain.duties.terms import default_terms
from ledger.domain.machines.readings import CycleOutcome
from ledger.domain.machines.verdicts import CheckState, Verdict
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.answering import signed
from ledger.steps.answering.status import WorkerState
from ledger.steps.reading.imports import Import

ROOT = Path(__file__).resolve().parent.parent
#: whose errors people at the pages meet
_RAISING = (
    "api/pages", "ledger/doors", "ledger/domain/acts", "ledger/domain/records",
    "ledger/domain/callers.py", "ledger/steps/asking", "ledger/steps/accepting",
    "ledger/steps/answering", "ledger/steps/reading", "ledger/steps/settling",
    "ledger/domain/custody/labelling.py", "ledger/domain/custody/printing.py",
    "ledger/domain/statement/periods.py", "ledger/domain/statement/agreement.py",
    "ledger/domain/duties/terms.py", "ledger/readings/photos.py",
)  # fmt: skip
_TOLD = {"rule", "remedy"}
_METHODS = [("pages/**.py", "python"), ("templates/**.html", "jinja2")]
_SAID = re.compile(r"""w\.say\((['"])(.*?)\1""")
_KEYWORDS = {"_": None, "N_": None, "say": None}
#: columns, sentences of the framework's own rules, and words that no declaration lists
_MORE = (
    "yes", "no", "none", "open", "closed", "valid", "revoked", "ended", "invited", "active",
    "not computed", "pressure, absolute", "pressure, gauge", "is missing", "is not allowed",
    "this field is required",
    # lines of lists, steps that the chain did not take, and what gates look at
    "nobody knows", "package {} of unit {}", "set {}", "basket {}", "class {}, counted only",
    "class {} of cycle {}, counted only", "reported, not on chain", "reported, not on chain: {}",
    "others recorded something about it that is not readable here",
    "own scheme", "accepted seen", "accepted inferred", "label", "results", "expiry",
    "condition", "place", "controlled",
)  # fmt: skip


def texts() -> set[str]:
    """Every text that a page may show."""
    found = {text for text in _shown() if text.strip(" –:.,/") and not text.isdigit()}
    return found | set(_MORE)


def missing(language: str) -> list[str]:
    """The texts that a catalogue does not have."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        known = {str(each.id) for each in read_po(file) if each.id and each.string}
    return sorted(texts() - known)


def _shown() -> Iterator[str]:
    yield from _of_templates()
    yield from _of_declarations()
    yield from _of_words()
    yield from _of_terms()
    for folder in _RAISING:
        for path in sorted((ROOT / folder).rglob("*.py")) or [ROOT / folder]:
            yield from sentences(ast.parse(path.read_text("utf-8")))
    yield from _of_previews(ast.parse(_PREVIEWS.read_text("utf-8")))
    yield from TROUBLES.values()
    failure = problems.told_by_failure()
    yield from (failure.detail, str(failure.remedy))
    yield from (each.title for each in vars(problems).values() if isinstance(each, problems.Kind))


#: what a scan's preview says line by line
_PREVIEWS = ROOT / "ledger/steps/accepting/scanning.py"
_FEWEST_BLANKS = 3


def _of_previews(tree: ast.Module) -> Iterator[str]:
    """The sentences of a module, but for its docstrings."""
    within = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    within |= {id(p) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in within:
            text = _text(node)
            if text.count(" ") >= _FEWEST_BLANKS:
                yield text


def _of_templates() -> Iterator[str]:
    for _, _, text, _, _ in extract_from_dir(ROOT / "api", method_map=_METHODS, keywords=_KEYWORDS):
        yield text if isinstance(text, str) else text[0]
    # macros have the reader's words, and no `_`
    for path in sorted((ROOT / "api" / "templates").glob("*.html")):
        for found in _SAID.finditer(path.read_text("utf-8")):
            yield found[2]
    for path in sorted((ROOT / "api" / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Column":
                label = next(k.value for k in node.keywords if k.arg == "label")
                if isinstance(label, ast.Constant):
                    yield str(label.value)


def _of_declarations() -> Iterator[str]:
    for act in ACTS.values():
        yield title_of(act)
        yield act.doc
        for each in asking.asked(act):
            yield from _of_field(each)
        schema = act.record_schema
        for path in (*schema.facts, *schema.personal):
            for part in path.replace("[]", "").split("."):
                yield spoken(measured(part)[0])
        for member in act.struct.members:
            yield spoken(measured(member.name)[0])


def _of_field(each: Field) -> Iterator[str]:
    yield spoken(measured(each.name)[0])
    yield each.help
    sort = each.of
    yield from (spoken(word) for word in getattr(sort, "words", ()))
    if isinstance(sort, Each):
        yield from (spoken(name) for name in sort.names)
    if isinstance(sort, Parts):
        for part in sort.parts:
            yield from _of_field(part)
    if isinstance(sort, Lines):
        yield from (spoken(measured(column)[0]) for column in sort.columns)
        yield from (spoken(w) for of in sort.columns.values() for w in getattr(of, "words", ()))


def _of_words() -> Iterator[str]:
    kinds: tuple[type[Enum], ...] = (
        words.Right, words.UnitRole, words.Custody, words.EquipmentKind, words.EquipmentState,
        words.Outcome, words.Verdict, words.AssetKind, words.AssetCondition, words.Purpose,
        DecisionState, ConsignmentStatus,
    )  # fmt: skip
    for kind in kinds:
        yield from (spoken(member.name.lower()) for member in kind)
    named: tuple[type[Enum], ...] = (
        Scope, OperationState, WorkerState, Import, CycleOutcome, Verdict, CheckState, Deed, Stage,
        Overlay, Found, findings.Word, findings.Stance, How, SubjectKind,
    )  # fmt: skip
    for kind in named:
        yield from (spoken(str(member.value)) for member in kind)
    yield from OUTCOMES


def _of_terms() -> Iterator[str]:
    for table in ("durations", "thresholds"):
        yield from (spoken(name) for name in default_terms().document[table])
    yield source()
    yield from (signed.ONE_PERSON, signed.SHIFT_OPEN, signed.NO_SHIFT)


def sentences(tree: ast.Module) -> Iterator[str]:
    """What errors say: their first argument, and what they are told as rule and remedy."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        told = [k.value for k in node.keywords if k.arg in _TOLD]
        if name in _ERRORS and node.args:
            told.append(node.args[0])
        for value in told:
            text = _text(value)
            if text.replace("{}", "").strip(" :–'"):
                yield text


_ERRORS = {
    "InvalidInput", "NotFound", "Conflict", "Refused", "VerificationFailed", "ChainUnavailable",
    "StorageUnavailable", "ClockWrong", "NotSignedIn", "UnknownToken", "_wrong", "_unknown",
    "_not_signed_in", "Unacceptable",
}  # fmt: skip


def _text(value: ast.expr) -> str:
    """A text as it stands, a hole for each thing that it names; empty for what is no text."""
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else ""
    if isinstance(value, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in value.values
        )
    return ""


def main() -> int:
    """Add what is new, or say what is missing."""
    for language in LANGUAGES:
        if language == "en":
            continue
        path = CATALOGUES / f"{language}.po"
        if "--check" in sys.argv:
            lacking = missing(language)
            print(*(f"{language}: not translated: {text!r}" for text in lacking), sep="\n")
            return bool(lacking)
        known: dict[str, str] = {}
        if path.exists():
            with path.open("rb") as file:
                known = {str(each.id): str(each.string) for each in read_po(file) if each.id}
        made = Catalog(locale=language, charset="utf-8", fuzzy=False)
        for text in sorted(texts() | set(known)):
            made.add(text, known.get(text, ""))
        with path.open("wb") as file:
            write_po(file, made, omit_header=False, sort_output=True, width=100)
    return 0


if __name__ == "__main__":
    sys.exit(main())
