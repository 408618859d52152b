"""Findings: which duties were done, as a table, a file that reproduces it, and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads, table_of
from ledger.cli.evidence import read_deployment, require_kind, write_whole
from ledger.cli.files import read_file
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    local_caller,
    opened,
    trusted_node,
)
from ledger.cli.printing import answer, print_table, say, say_heading
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.forms.recourse import Asked

findings = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="Which duties were done: never fault, never cause."
)

KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="package, cycle, consignment, asset or recall.")
]
WhichArgument = Annotated[
    str,
    typer.Argument(
        metavar="WHICH",
        help="A package or asset by its name or code, MACHINE/NUMBER, GIVER/SLIP, or an id.",
    ),
]
LanguageOption = Annotated[str, typer.Option("--language", help="en or zh.")]


@findings.command("show")
def show(
    kind: KindArgument,
    which: WhichArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write the file that reproduces it.")
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Also write it as a page for people.")
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", help="The moment for which it holds; UTC.")
    ] = None,
    then: Annotated[
        datetime | None, typer.Option("--then", help="Beside it what was known then; UTC.")
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(min=0, help="Nothing later is in it: what was computed then, again."),
    ] = None,
    language: LanguageOption = "en",
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Every duty that applied, who held it, and whether it was met."""
    from datetime import UTC

    from ledger.forms.recourse import Asked
    from ledger.steps.answering.duties import find_duties

    moments = [None if m is None else m.replace(tzinfo=UTC) for m in (as_of, then)]
    with opened(home) as instance, instance.database.reading() as tx:
        found = find_duties(
            instance,
            tx,
            local_caller(),
            kind,
            which,
            as_of=moments[0],
            then=moments[1],
            block=block,
            is_proven=output is not None or pdf is not None,
        )
        asked = Asked(by=None, at=instance.clock())
    if output is not None:
        write_whole(output, found.file)
    if pdf is not None:
        _write_page(pdf, found.answer, language, asked)
    plain = {**found.answer, "pending": list(found.pending)}

    def human() -> None:
        print_findings(plain, _language(language), asked)
        if found.file:
            say(f"SHA-256 of the answer, which is sent back to be heard: {found.sha256}")

    answer(plain, as_json=as_json, human=human)


@findings.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of an answer.")],
    rpc: Annotated[
        str | None, typer.Option("--rpc", help="Address of a chain endpoint that you trust.")
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", help="Deployment file from somewhere else than the file."),
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", help="Write what was reproduced as a page.")
    ] = None,
    language: LanguageOption = "en",
    *,
    as_json: JsonOption = False,
) -> None:
    """Come to the answer anew, without our server and without a database.

    Exit code 1: the file does not lead to its answer.  Without --rpc nothing is said of the chain;
    without --deployment the file is checked against its own copy.
    """
    from contextlib import ExitStack

    from ledger.evidence.answers import MAX_FILE_BYTES, verify_answer_file
    from ledger.keys.signers import verify_signature

    data = read_file(file, MAX_FILE_BYTES, field="FILE")
    require_kind(data, "findings")
    trusted = None if deployment is None else read_deployment(deployment)
    with ExitStack() as stack:
        node = None if rpc is None else stack.enter_context(trusted_node(rpc))
        found = verify_answer_file(data, trusted, node, verify_signature=verify_signature)
    if pdf is not None:
        _write_page(pdf, found.plain, language)
    plain: dict[str, Any] = {
        "reproduced": True,
        "sha256": found.sha256.hex(),
        "fingerprint": "0x" + found.fingerprint.hex(),
        "is_on_chain": found.is_on_chain,
        "is_trusted": found.is_trusted,
        "answer": found.plain,
    }

    def human() -> None:
        say(f"The answer follows from the file, byte for byte: SHA-256 {found.sha256.hex()}")
        if not found.is_on_chain:
            say("The chain was not asked: give --rpc to know that its records stand there.")
        if not found.is_trusted:
            say(f"Checked against its own deployment: {plain['fingerprint']}; not called verified.")
        say("")
        print_findings(found.plain, _language(language))

    answer(plain, as_json=as_json, human=human)


def _language(text: str) -> str:
    if text not in {"en", "zh"}:
        raise InvalidInput(f"{text[:20]!r} is unknown", field="--language", rule="en or zh")
    return text


def _write_page(
    pdf: Path, plain: Mapping[str, Any], language: str, asked: Asked | None = None
) -> None:
    from ledger.domain.encoding.canonical import canonical
    from ledger.forms.recourse import recourse_pdf

    data = canonical(dict(plain))
    chosen: Any = _language(language)
    write_whole(pdf, recourse_pdf(plain, data, chosen, asked))


def print_findings(plain: Mapping[str, Any], language: str, asked: Asked | None = None) -> None:
    """An answer in words: what it says as a whole, duty by duty, and how that is read."""
    from datetime import timedelta

    from ledger.forms.recourse import WORDS, groups_of, legend, title_of, word_of

    words = {name: each[language] for name, each in WORDS.items()}
    subject = plain["subject"]
    as_of = datetime.fromisoformat(plain["as_of"]) + timedelta(minutes=plain["offset_minutes"])
    say(
        f"{words[subject['kind']]} {subject['name']}, {words['as_of'].lower()} "
        f"{as_of:%Y-%m-%d %H:%M}, {words['block']} {plain['block']}"
    )
    say(plain["head"][language])
    say(plain["computed"][language])
    for interval in plain["intervals"]:
        say(interval["says"][language])
    for name, found in groups_of(plain).items():
        if not found and name != "open":
            continue
        say_heading(f"{words[name]}: {len(found)}")
        print_table(
            ["", *(words[title].lower() for title in ("duty", "holder", "found", "why"))],
            [
                [
                    each["rule"],
                    title_of(each, language),
                    each["unit"],
                    word_of(each, language),
                    ("；" if language == "zh" else "; ").join(
                        dict.fromkeys(why[language] for why in each["why"])
                    ),
                ]
                for each in found
            ],
            empty="–",
        )
    if plain["statements"] or plain["third_parties"]:
        say("")
    for said in plain["statements"]:
        third = "" if said["is_concerned"] else f" ({words['third']})"
        text = json.dumps(said["text"], ensure_ascii=False)
        stance = words.get(str(said["stance"]), said["stance"])
        to = "" if said["said_to"] is None else f" ({said['said_to'][language]})"
        say(f"{said['code']}: {stance}{to}: {text}{third}")
    for told in plain["third_parties"]:
        say(told["says"][language])
    if plain.get("pending"):
        say(f"Not final yet, and not in it: {len(plain['pending'])} operations.")
    say_heading(f"{words['legend']}:")
    for line in legend(plain, language, asked):
        say(f"- {line}")
    say(f"- {plain['not_proved'][language]}")


@findings.command("signed")
@reads
def signed(
    here: Here,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The signer's id: signer list.")],
    since: Annotated[datetime, typer.Option("--since", help="From when; UTC.")],
    until: Annotated[datetime, typer.Option("--until", help="Until when; UTC.")],
) -> Answer:
    """What a key signed in a window, and how sure it is who that was."""
    from datetime import UTC

    from ledger.steps.answering.signed import list_signed

    window = [moment.replace(tzinfo=UTC) for moment in (since, until)]
    return table_of(
        list_signed(here.tx, here.caller, key, since=window[0], until=window[1]),
        ["at", "act", "about", "who"],
        lambda each: [each.at, each.act, each.subject[:12] + "…", each.sureness],
    )


@findings.command("rules")
def rules(*, as_json: JsonOption = False) -> None:
    """The rules, each with its source."""
    from ledger.domain.duties.rules import RULES, rule_to_plain

    plain = [rule_to_plain(rule) for rule in RULES]
    answer(
        plain,
        as_json=as_json,
        human=lambda: print_table(
            ["", "duty", "whose duty", "source"],
            [[r.id, r.words.en, r.holder, f"{r.source} {r.clause}".strip()] for r in RULES],
        ),
    )
