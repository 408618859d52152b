"""English → the reader's language: words, sentences of errors, dates and numbers.

English is what stands in the code and in the acts' declarations; a catalogue says the rest.  Its
sentences may have holes, `{}`, which stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from starlette.requests import Request

from ledger.domain.acts.catalogue import ACTS

CATALOGUES = Path(__file__).resolve().parent.parent / "locale"
#: by tag: how it calls itself
LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
COOKIE = "language"
_LOCALES = {"en": "en_GB", "zh": "zh_Hans_CN"}
_HOLE = "{}"
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
#: a word of ours, not of a person
_WORD = re.compile(r"[a-z][a-z_]{1,40}")
#: paths of what people or machines said in their own words
_IS_TEXT = re.compile(
    r"(^|\.)(name|text|reason|description|programme|serial|code|performer|checker|enterer|model)$"
)
#: what the API alone is told: its own way beside a command's, and how it says that there is none
_OF_THE_API = re.compile(r"[,，] ?(GET|POST) /v1/[a-z/-]+|[;；] ?null\b.*")


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for what is translated later
    """A text that is translated where it is shown."""
    return text


_IMPORTS_PAPER = N_("Bring in a paper log")
#: the page that does what a command does; those of whoever runs the instance have none
_PAGES: Mapping[str, str] = {
    **{act.command: act.spelled.replace("-", " ") for act in ACTS.values()},
    "scan put_in": N_("scan report"),
    "unit list": N_("Units"),
    "signer list": N_("Signers and keys"),
    "operation list": N_("Records"),
    "equipment list": N_("Machines"),
    "asset list": N_("Assets"),
    "import": N_("Bring a printout"),
    "label tell": N_("Labels"),
    "basket name": N_("Labels"),
    "status": N_("Health"),
    "statement publish": N_("Statements"),
    "terms publish": N_("Terms and prices"),
}
#: a command with what stands behind it
_COMMAND = re.compile(
    rf"steriledger ({'|'.join(sorted(map(re.escape, _PAGES), key=len, reverse=True))})\b"
    r"((?:\s+(?:--?[a-z]|[A-Z0-9])[^\s;,.；，。]*)*)"
)
#: an option alone is a field of the form; the API's way of it may stand behind
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)(?: [A-Z]+)?(?:[,，] ?(?:or|或) \w+: true)?")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """What each English text is in a language; empty for English."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    return {str(each.id): str(each.string) for each in found if each.id and each.string}


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences with holes, the longest first."""
    holed = [(msgid, said) for msgid, said in catalogue(language).items() if _HOLE in msgid]
    holed.sort(key=lambda pair: -len(pair[0]))
    return tuple(
        (re.compile("(.+?)".join(map(re.escape, msgid.split(_HOLE))), re.DOTALL), said)
        for msgid, said in holed
    )


@dataclass(frozen=True)
class Words:
    """One reader's language and clock."""

    language: str
    #: IANA name
    zone: str

    @property
    def locale(self) -> str:
        """As Babel calls it."""
        return _LOCALES[self.language]

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def say(self, text: str) -> str:
        """A word or sentence that stands in the code as it is; English where nobody translated."""
        return catalogue(self.language).get(text, text)

    @property
    def stop(self) -> str:
        """What ends a sentence."""
        return "。" if self.language == "zh" else "."

    def sentence(self, text: str) -> str:
        """A sentence that may name things: what the catalogue has with holes for them.

        Where it names a command, it says the page that does the same.
        """
        said = _COMMAND.sub(self._page, _OF_THE_API.sub("", self._translated(text)))
        # an option of a command that no page does is its own
        if "steriledger " in said:
            return said
        return _OPTION.sub(lambda option: f"“{self.label(option[1].replace('-', '_'))}”", said)

    def _page(self, command: re.Match[str]) -> str:
        title = _IMPORTS_PAPER if "--paper" in command[2] else _PAGES[command[1]]
        return f"“{self.label(title)}”"

    def _translated(self, text: str) -> str:
        known = catalogue(self.language)
        if text in known or self.language == "en":
            return known.get(text, text)
        for pattern, said in _patterns(self.language):
            found = pattern.fullmatch(text)
            if found is not None:
                return said.format(*(known.get(part, part) for part in found.groups()))
        return text

    def label(self, name: str) -> str:
        """A field or a path as people call it: `verdict.hold_seconds` → Verdict: hold seconds."""
        text = self._with_unit(name) if "." not in name else self.path(name)
        return text[:1].upper() + text[1:]

    def path(self, name: str) -> str:
        """A path of a record as people call it, part by part: `lines.0.owner` → Lines 1: owner."""
        parts: list[str] = []
        for part in name.split("."):
            if part.isdecimal() and parts:
                parts[-1] = f"{parts[-1]} {int(part) + 1}"
            else:
                parts.append(self._with_unit(part))
        text = ": ".join(parts)
        return text[:1].upper() + text[1:]

    def _with_unit(self, part: str) -> str:
        """`hold_seconds` → hold (s), which the catalogue may have apart from the decision hold."""
        name, unit = measured(part)
        if not unit:
            return self.say(spoken(name))
        whole = f"{spoken(name)} ({unit})"
        return catalogue(self.language).get(whole, f"{self.say(spoken(name))} ({unit})")

    def value(self, name: str, value: object) -> str:
        """A value of a record: moments by the reader's clock, words in their language."""
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        if value is None or value == "":
            return self.say("not entered")
        text = str(value)
        if isinstance(value, str) and _MOMENT.fullmatch(text):
            return f"{self.moment(text, seconds=True)} ({self.zone})"
        if _IS_TEXT.search(name):
            return text
        return self.say(spoken(text)) if _WORD.fullmatch(text) else text

    def moment(self, value: datetime | str | int | None, *, seconds: bool = False) -> str:
        """A moment by the reader's clock; Unix seconds and RFC 3339 as well."""
        if value is None or value == 0:
            return "–"
        form = "yyyy-MM-dd HH:mm:ss" if seconds else "yyyy-MM-dd HH:mm"
        return format_datetime(self.clock(value), form, tzinfo=self._zone, locale=self.locale)

    def clock(self, value: datetime | str | int) -> datetime:
        """A moment by the reader's clock, from the same."""
        if isinstance(value, int):
            return datetime.fromtimestamp(value, self._zone)
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(self._zone)

    def number(self, value: float) -> str:
        """A whole or decimal number."""
        return format_decimal(value, locale=self.locale)

    def local(self, text: str) -> datetime:
        """What a reader typed into a field for a moment, by their clock; raises ValueError."""
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)

    def typed(self, value: datetime) -> str:
        """A moment as such a field takes it."""
        return value.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S")


def words_for(request: Request, zone: str) -> Words:
    """The language that the reader chose, or else the browser's."""
    chosen = request.cookies.get(COOKIE, "")
    wished = [chosen, *_accepted(request.headers.get("accept-language", ""))]
    return Words(next((each for each in wished if each in LANGUAGES), "en"), zone)


def _accepted(header: str) -> Iterator[str]:
    for part in header.split(",")[:10]:
        yield part.split(";")[0].strip().split("-")[0].lower()


#: how names end that say in which unit something was measured
_UNITS = {"seconds": "s", "minutes": "min", "celsius": "°C", "bar": "bar", "kelvin": "K"}


def measured(part: str) -> tuple[str, str]:
    """A part of a path, and the unit with which it ends: `minimum_celsius` → minimum, °C."""
    name, _, unit = part.rpartition("_")
    return (name, _UNITS[unit]) if name and unit in _UNITS else (part, "")


def spoken(name: str) -> str:
    """A name of the code as words: `started_at` → `started at`."""
    return name.replace("_", " ").replace(".", ": ")
