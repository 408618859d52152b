"""Answer about duties → the file for a court or a recourse, for people: a page or two, in PDF.

Everything in it is the answer's own; the file that proves it stands beside it and is named by its
hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

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
    "findings": {"en": "Duty by duty", "zh": "逐项职责"},
    "duty": {"en": "Duty", "zh": "职责"},
    "holder": {"en": "Held by", "zh": "责任单位"},
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
_MARKS = {"met": "√", "not_met": "×", "disputed": "≠", "not_recorded": "–"}
_SHOWN_DIGITS = 18


def recourse_pdf(answer: Mapping[str, Any], data: bytes, language: Language) -> bytes:
    """The PDF of an answer as plain data; `data` is its canonical form.

    Raises Inconsistent when it cannot be set.
    """
    offset = timedelta(minutes=answer["offset_minutes"])
    return set_pdf("recourse.typ", _form(answer, data, language, offset))


def _form(
    answer: Mapping[str, Any], data: bytes, language: Language, offset: timedelta
) -> dict[str, Any]:
    words = {name: each[language] for name, each in WORDS.items()}
    as_of = datetime.fromisoformat(answer["as_of"])
    findings: Sequence[Mapping[str, Any]] = answer["findings"]
    applying = [f for f in findings if f["word"] != "not_applicable"]
    others = [f for f in findings if f["word"] == "not_applicable"]

    def clock(text: str) -> str:
        return f"{datetime.fromisoformat(text) + offset:%Y-%m-%d %H:%M}"

    def row(finding: Mapping[str, Any]) -> dict[str, str]:
        sentences = [each[language] for each in finding["why"]]
        return {
            "rule": finding["rule"],
            "title": finding["title"][language],
            "of": printable(finding["of"]),
            "unit": printable(finding["unit"]),
            "word": words[finding["word"]],
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
        "head": answer["head"][language],
        "computed": answer["computed"][language],
        "not_proved": answer["not_proved"][language],
        "findings": [row(each) for each in applying],
        "others": [row(each) for each in others],
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
    named = {f["holder"]: f["unit"] for f in answer["findings"]}
    return printable(str(named.get(number, number or "–")))
