"""Answer about duties → the file for a court or a recourse, for people: a page or two, in PDF.

Everything in it is the answer's own; the file that proves it stands beside it and is named by its
hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from ledger.domain.duties.rules import RULES
from ledger.domain.duties.terms import source_in
from ledger.domain.encoding.hashing import sha256
from ledger.forms.typesetting import printable, set_pdf

Language = Literal["en", "zh"]

#: what the page of an answer says, by language
WORDS: Mapping[str, Mapping[str, str]] = {
    "title": {"en": "Which duties were done", "zh": "职责履行情况"},
    "cycle": {"en": "Cycle", "zh": "灭菌批次"},
    "package": {"en": "Package", "zh": "无菌包"},
    "consignment": {"en": "Consignment", "zh": "运单"},
    "asset": {"en": "Shared asset", "zh": "共享设备"},
    "recall": {"en": "Recall", "zh": "召回"},
    "as_of": {"en": "As of", "zh": "截至"},
    "block": {"en": "block", "zh": "区块"},
    "whole": {"en": "What the list says as a whole", "zh": "总述"},
    "duty": {"en": "Duty", "zh": "职责"},
    "holder": {"en": "Whose duty", "zh": "责任单位"},
    "found": {"en": "Found", "zh": "认定"},
    "why": {"en": "On what it rests", "zh": "依据"},
    "intervals": {"en": "Between two looks", "zh": "两次查看之间"},
    "statements": {"en": "What units said", "zh": "各单位陈述"},
    "third": {
        "en": "of a third party; nothing rests on it",
        "zh": "第三方陈述，不作为依据",
    },
    "not_applying": {"en": "Did not apply, or is not due", "zh": "不适用或尚未到期"},
    "not_proved": {"en": "What is proved, and what is not", "zh": "证明范围"},
    "records": {"en": "The records it rests on", "zh": "所依据的记录"},
    "operation": {"en": "Operation", "zh": "操作"},
    "kind": {"en": "Kind", "zh": "类型"},
    "unit": {"en": "Unit", "zh": "单位"},
    "known": {"en": "On the chain since", "zh": "上链时间"},
    "key": {"en": "Key held by", "zh": "密钥保管"},
    "rules": {"en": "Rules", "zh": "规则"},
    "terms": {"en": "Terms, version", "zh": "条款版本"},
    "check": {
        "en": "Check it: steriledger findings verify FILE. SHA-256 of the answer",
        "zh": "验证：steriledger findings verify FILE。认定结果的SHA-256",
    },
    "open": {"en": "What stands open", "zh": "未决事项"},
    "done": {"en": "Met", "zh": "已履行"},
    "unreadable": {"en": "Not readable here", "zh": "本系统不可读"},
    "not_due": {"en": "not due yet", "zh": "尚未到期"},
    "legend": {"en": "How to read this", "zh": "阅读说明"},
    "page": {"en": "page", "zh": "页"},
    "not_recorded": {"en": "not recorded", "zh": "无记录"},
    "not_met": {"en": "not met", "zh": "未履行"},
    "met": {"en": "met", "zh": "已履行"},
    "disputed": {"en": "disputed", "zh": "有争议"},
    "not_applicable": {"en": "not applicable", "zh": "不适用"},
    "not_readable": {"en": "not readable here", "zh": "本系统不可读"},
    "agrees": {"en": "agrees", "zh": "同意"},
    "disagrees": {"en": "disagrees", "zh": "不同意"},
    "seen": {"en": "seen", "zh": "已阅"},
    "statement": {"en": "statement", "zh": "陈述"},
    "server": {"en": "server", "zh": "服务器"},
    "station": {"en": "station", "zh": "工作站"},
    "device": {"en": "person's device", "zh": "个人设备"},
    "hardware": {"en": "hardware", "zh": "硬件"},
    "authority": {"en": "authority", "zh": "主管方"},
}
#: what stands first: what a reader has to act on
OPEN = ("not_met", "disputed", "not_recorded")
#: each word in a sentence
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "met": (
        "a record that is named shows it; it is as true as that record",
        "所列记录可以说明；其真实性以该记录为限",
    ),
    "not_met": (
        (
            "a machine's reading, the holder's own record, the order on the chain or the holder's "
            "agreement shows the contrary"
        ),
        "设备读数、责任单位自己的记录、上链顺序或责任单位的同意表明相反情况",
    ),
    "disputed": (
        "the holder's records and somebody else's differ",
        "责任单位的记录与他方记录不一致",
    ),
    "not_recorded": (
        (
            "it applied, its time is over, and nothing says whether it was done; that is not the "
            "same as not done"
        ),
        "适用且已到期，但没有记录说明是否履行；不等于未履行",
    ),
    "not_applicable": (
        "it did not apply here, or is not due yet; the reason stands beside it",
        "此处不适用，或尚未到期；理由列于其旁",
    ),
    "not_readable": (
        "this instance does not hold the record, or the reader may not read it",
        "本系统未保存该记录，或读者无权阅读",
    ),
}
_DEADLINES: Mapping[str, tuple[str, str]] = {
    "biological_interval_steam": ("between biological tests, steam", "蒸汽灭菌生物监测间隔"),
    "biological_interval_hydrogen_peroxide": (
        "between biological tests, hydrogen peroxide", "过氧化氢灭菌生物监测间隔",
    ),
    "biological_interval_ethylene_oxide": (
        "between biological tests, ethylene oxide", "环氧乙烷灭菌生物监测间隔",
    ),
    "biological_reading": ("biological result read after", "生物监测判读时间"),
    "biological_reading_tolerance": ("more or less than that by", "判读时间允差"),
    "recall_order": ("recall after a failed result", "不合格后召回"),
    "notice_opened": ("notice or result reaching its reader", "通知或结果送达"),
    "search_report": ("answer to a recall notice", "召回查找报告"),
    "cooling": ("cooling before it is sent", "发出前冷却"),
    "delivery_van": ("delivery by van", "车辆送达"),
    "delivery_drone": ("delivery by drone", "无人机送达"),
    "delivery_diverted": ("delivery after a diversion", "备降后送达"),
    "receipt": ("receipt signed after the arrival", "送达后签收"),
    "soiled_return": ("soiled return after use", "使用后污染器械送回"),
    "damage_report": ("damage or loss reported", "损坏与缺失报告"),
    "differences_told": ("differences of a count told", "清点差异告知"),
    "flash_use": ("use after flash sterilisation", "快速灭菌后使用"),
}  # fmt: skip
_MARKS = {"met": "√", "not_met": "×", "disputed": "≠", "not_recorded": "–"}
_SHOWN_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asked and when.

    It stands on the page and not in the answer: whoever asks the same gets the same bytes.
    """

    #: a unit's code; None for whoever administers the instance
    by: str | None
    at: datetime


def recourse_pdf(
    answer: Mapping[str, Any], data: bytes, language: Language, asked: Asked | None = None
) -> bytes:
    """The PDF of an answer as plain data; `data` is its canonical form.

    Raises Inconsistent when it cannot be set.
    """
    offset = timedelta(minutes=answer["offset_minutes"])
    return set_pdf("recourse.typ", _form(answer, data, language, offset, asked))


# ---------------------------------------------------------------- how an answer is read


def title_of(finding: Mapping[str, Any], language: str) -> str:
    """A duty, and which leg, consignment or recall it is about."""
    title, about = finding["title"][language], finding["about"]
    if about is None:
        return str(title)
    return f"{title}（{about[language]}）" if language == "zh" else f"{title} ({about[language]})"


def word_of(finding: Mapping[str, Any], language: str) -> str:
    """What is found, in a word; what is not due yet says so."""
    return WORDS["not_due" if finding["is_open"] else finding["word"]][language]


def groups_of(answer: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The findings as a reader wants them: open, done, unreadable, not applying."""
    of: dict[str, list[Mapping[str, Any]]] = {}
    for finding in answer["findings"]:
        of.setdefault(finding["word"], []).append(finding)
    return {
        "open": [each for word in OPEN for each in of.get(word, [])],
        "done": of.get("met", []),
        "unreadable": of.get("not_readable", []),
        "not_applying": of.get("not_applicable", []),
    }


def legend(
    answer: Mapping[str, Any], language: str, asked: Asked | None = None, *, on_page: bool = False
) -> list[str]:
    """What a reader must know to read an answer: its words, units, clock, terms and limits.

    A page leads to the terms, which name the source of each deadline in the words of whoever wrote
    them, and says itself how an answer is checked; paper says both here.
    """
    at = 1 if language == "zh" else 0
    colon, comma, stop = ("：", "；", "。") if at else (": ", "; ", ".")
    lines = [
        f"{WORDS[word][language]}{colon}{meaning[at]}{stop}" for word, meaning in _MEANINGS.items()
    ]
    missing = [r for r in RULES if answer["subject"]["kind"] not in r.applies_to]
    if missing:
        named = ("、" if at else ", ").join(
            f"{r.id} {r.title.zh if at else r.title.en}" for r in missing
        )
        kind = WORDS[answer["subject"]["kind"]][language]
        lines.append(
            f"共{len(RULES)}项规则，其中以下各项针对“{kind}”以外的对象，故未列出：{named}。"
            if at
            else f"Of the {len(RULES)} rules these are asked of other subjects, not of a "
            f"{kind.lower()}, and so are not listed: {named}."
        )
    units = comma.join(
        f"{u['code']}{'为' if at else ' is '}{u['name']}" for u in answer["units"] if u["name"]
    )
    if units:
        lines.append(f"{'单位' if at else 'Units'}{colon}{units}{stop}")
    offset = timedelta(minutes=answer["offset_minutes"])
    zone = timezone(offset).tzname(None)
    lines.append(f"时间按集团时钟，{zone}。" if at else f"Times are by the group's clock, {zone}.")
    for terms in answer["terms"]:
        named = comma.join(
            f"{_DEADLINES[name][at]} {_length(each['seconds'], language)}"
            + ("" if on_page else ("（{}）" if at else " ({})").format(source_in(each, language)))
            for name, each in terms["deadlines"].items()
        )
        named = named or ("无" if at else "none applied")
        sourced = "" if on_page else ", each with its source"
        lines.append(
            f"期限依据约定第{terms['version']}版（SHA-256 {terms['sha256'][:16]}…）：{named}。"
            if at
            else f"Deadlines are those of version {terms['version']} of the terms (SHA-256 "
            f"{terms['sha256'][:16]}…){sourced}: {named}."
        )
    return [*lines, *_made(answer, language, asked, is_checked_here=not on_page)]


def _made(
    answer: Mapping[str, Any], language: str, asked: Asked | None, *, is_checked_here: bool
) -> Iterator[str]:
    """Who asked, for when, up to where, and how to check it."""
    offset = timedelta(minutes=answer["offset_minutes"])
    if asked is not None:
        when = f"{asked.at + offset:%Y-%m-%d %H:%M}"
        yield (
            f"提问：{asked.by or '本系统管理员'}，{when}。"
            if language == "zh"
            else f"Asked by {asked.by or 'whoever administers this instance'}, {when}."
        )
    as_of = f"{datetime.fromisoformat(answer['as_of']) + offset:%Y-%m-%d %H:%M}"
    block, fingerprint = answer["block"], answer["deployment"]
    if language == "zh":
        yield f"截至{as_of}，至区块{block}（部署指纹{fingerprint}）；仅就所列对象完整。" + (
            "验证：findings show以-o写出文件，findings verify FILE无需本服务器即可重新得出。"
            if is_checked_here
            else ""
        )
    else:
        yield (
            f"As of {as_of}, up to block {block} of the deployment with the fingerprint "
            f"{fingerprint}; complete for the subjects that are named, and for no others."
        ) + (
            " To check it: findings show with -o writes the file, and findings verify FILE comes "
            "to the same answer without this server."
            if is_checked_here
            else ""
        )


def _length(seconds: int, language: str) -> str:
    """A length of time in its largest whole measure."""
    for size, en, zh in ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {en}" if language == "en" else f"{seconds // size}{zh}"
    return f"{seconds} s" if language == "en" else f"{seconds}秒"


# ---------------------------------------------------------------- the page


def _form(
    answer: Mapping[str, Any],
    data: bytes,
    language: Language,
    offset: timedelta,
    asked: Asked | None,
) -> dict[str, Any]:
    words = {name: each[language] for name, each in WORDS.items()}
    as_of = datetime.fromisoformat(answer["as_of"])
    groups = groups_of(answer)

    def clock(text: str) -> str:
        return f"{datetime.fromisoformat(text) + offset:%Y-%m-%d %H:%M}"

    def row(finding: Mapping[str, Any]) -> dict[str, str]:
        sentences = [each[language] for each in finding["why"]]
        return {
            "rule": finding["rule"],
            "title": finding["title"][language],
            "of": "" if finding["about"] is None else printable(finding["about"][language]),
            "unit": printable(finding["unit"]),
            "word": word_of(finding, language),
            "mark": _MARKS.get(finding["word"], ""),
            "kind": finding["word"],
            "why": printable(("; " if language == "en" else "；").join(dict.fromkeys(sentences))),
        }

    subject = answer["subject"]
    return {
        "words": words,
        "language": language,
        "date": [as_of.year, as_of.month, as_of.day],
        "heading": f"{words[subject['kind']]} {printable(subject['name'])}",
        "as_of": f"{words['as_of']} {clock(answer['as_of'])} · {words['block']} {answer['block']}",
        "head": printable(answer["head"][language]),
        "computed": answer["computed"][language],
        "not_proved": answer["not_proved"][language],
        "groups": [
            {"title": f"{words[name]}: {len(groups[name])}", "rows": list(map(row, groups[name]))}
            for name in ("open", "done", "unreadable")
            if groups[name] or name == "open"
        ],
        "others": [row(each) for each in groups["not_applying"]],
        "legend": [printable(each) for each in legend(answer, language, asked)],
        "intervals": [printable(each["says"][language]) for each in answer["intervals"]],
        "statements": [
            {
                "unit": _unit(answer, each["unit"]),
                "stance": words.get(str(each["stance"]), ""),
                "text": printable(each["text"] or ""),
                "to": "" if each["said_to"] is None else printable(each["said_to"][language]),
                "third": "" if each["is_concerned"] else words["third"],
            }
            for each in answer["statements"]
        ],
        "third_parties": [printable(e["says"][language]) for e in answer["third_parties"]],
        "operations": [
            {
                "digest": each["digest"][:_SHOWN_DIGITS] + "…",
                "kind": each["kind"],
                "unit": _unit(answer, each["unit"]),
                "block": str(each["block"]),
                "known": clock(each["known"]),
                "custody": words[each["custody"]],
            }
            for each in answer["operations"]
        ],
        "rests": f"{words['rules']} {answer['engine']} / {answer['rules_sha256'][:16]}… · "
        + ", ".join(f"{words['terms']} {each['version']}" for each in answer["terms"]),
        "check": f"{words['check']}: {sha256(data).hex()}",
    }


def _unit(answer: Mapping[str, Any], number: int) -> str:
    """A unit as the findings call it."""
    named = {each["unit"]: each["code"] for each in answer["units"]}
    return printable(str(named.get(number, number or "–")))
