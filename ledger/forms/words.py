"""What the forms of an account say, in the group's two languages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """In which a form is written."""

    ENGLISH = "en"
    CHINESE = "zh"


_CHECK = (
    "Computed from chain events up to block {block} and the published terms. Anybody with a chain "
    "endpoint, the deployment file and the terms computes the same bytes: "
    "steriledger statement recompute. SHA-256 of the account: {hash}"
)
_CHECK_CHINESE = (
    "依据截至第 {block} 区块的链上事件与已公布的协议计算。"
    "任何持有节点地址、部署文件和协议的人都能算出相同的字节："
    "steriledger statement recompute。账目 SHA-256：{hash}"
)

#: key → English, Chinese
_WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Contribution-value statement", "贡献值结算单"),
    "group_title": ("Account of the group", "集团账目"),
    "all_units": ("All units", "全部单位"),
    "basis": ("What the figures rest on", "数据依据"),
    "closing": ("Closing block", "结账区块"),
    "terms_version": ("Terms", "协议版本"),
    "deployment": ("Contracts", "合约部署"),
    "account_hash": ("Account", "账目"),
    "events_read": ("Events read", "读取事件数"),
    "indicators_from": ("Indicators from", "指标来源"),
    "own_use": ("own use", "自用"),
    "rule_none": ("each pays each", "各单位分别结清"),
    "rule_lead": ("through the lead hospital", "经牵头医院结清"),
    "rule_netting": ("netted, with the fewest payments", "轧差结清"),
    "period": ("Period", "期间"),
    "unit": ("Unit", "单位"),
    "units": ("Units", "单位汇总"),
    "lines": ("Lines", "明细"),
    "line": ("No.", "序号"),
    "of": ("Month of", "所属月份"),
    "provider": ("Provided by", "提供方"),
    "consumer": ("Used by", "使用方"),
    "other": ("Other side", "对方"),
    "service": ("What", "项目"),
    "owner": ("Owner", "物主"),
    "quantity": ("Quantity", "数量"),
    "done": ("Done", "完成量"),
    "recalled": ("Recalled", "召回量"),
    "price": ("Price", "内部价"),
    "per": ("per", "每"),
    "amount": ("Amount", "金额"),
    "market": ("At market", "市场参考"),
    "events": ("Events", "事件数"),
    "trace": ("Hash of its events", "事件哈希"),
    "brought_forward": ("Brought forward", "期初结转"),
    "credits": ("Owed to it", "应收"),
    "debits": ("Owed by it", "应付"),
    "net": ("Net of the month", "本月净额"),
    "paid": ("Paid", "已付"),
    "received": ("Received", "已收"),
    "balance": ("Balance", "余额"),
    "disputed": ("Disputed", "有争议"),
    "due": ("Due", "到期应结"),
    "contributed": ("Contributed", "贡献"),
    "used": ("Used", "使用"),
    "contribution_value": ("Contribution value", "贡献值"),
    "saving": ("Saved against the market", "较市场价节省"),
    "ageing": ("Age of the balance", "账龄"),
    "age_0": ("this month", "本月"),
    "age_1": ("1 month", "1 个月"),
    "age_2": ("2 months", "2 个月"),
    "age_3": ("3 months", "3 个月"),
    "age_4": ("older", "更早"),
    "fees": ("How the price of a trip came about", "航次价格如何得出"),
    "giver": ("From", "发出方"),
    "receiver": ("To", "接收方"),
    "packages": ("Packages", "包数"),
    "carrier": ("Carrier", "承运方"),
    "fee_due": ("Due for the month", "本月应付"),
    "charged_trips": ("Charged trips", "计费航次"),
    "uncharged_trips": ("Uncharged trips", "不计费航次"),
    "each": ("Each trip", "每航次"),
    "settlement": ("Settlement", "结算"),
    "payer": ("Payer", "付款方"),
    "payee": ("Payee", "收款方"),
    "payments": ("Payments", "付款"),
    "state": ("State", "状态"),
    "confirmed": ("confirmed by both", "双方确认"),
    "not_confirmed": ("paid, not confirmed", "已付未确认"),
    "contests": ("Contested lines", "有异议的明细"),
    "open_lines": ("Still open", "未决"),
    "left_out": ("Events in no line, and why", "未计入的事件及原因"),
    "kind": ("Kind", "种类"),
    "why": ("Why", "原因"),
    "digest": ("Event", "事件"),
    "trend": ("Twelve months: contributed and used", "十二个月：贡献与使用"),
    "indicators": ("Indicators", "指标"),
    "name": ("Indicator", "指标"),
    "indicator": ("Indicator", "指标"),
    "about": ("Of", "对象"),
    "numerator": ("Numerator", "分子"),
    "denominator": ("Denominator", "分母"),
    "basis_points": ("Rate", "比率"),
    "sources": ("Sources", "来源"),
    "colour": ("Colour", "颜色"),
    "review": ("Performance review", "绩效考核"),
    "dimension": ("Dimension", "维度"),
    "definition": ("Definition", "定义"),
    "not_recorded": ("not entered", "未录入"),
    "is_owed": ("The group owes this unit", "集团应付本单位"),
    "owes": ("This unit owes the group", "本单位应付集团"),
    "is_even": ("Nothing is owed", "收支相抵"),
    "no_price": ("no price in the terms", "协议中无价格"),
    "adjustment": ("adjustment", "调整"),
    "tax": ("tax", "税"),
    "agreed": ("agreed", "已同意"),
    "disagreed": ("disagreed", "不同意"),
    "unanswered": ("unanswered", "未答复"),
    "corrects_nothing_that_counts": ("corrects nothing that counts", "更正对象未计入"),
    "not_confirmed_by_the_consumer": ("not confirmed by the consumer", "使用方未确认"),
    "names_no_resolution": ("names no resolution", "未指明处理结果"),
    "gives_this_unit_nothing": ("the resolution gives this unit nothing", "处理结果不返还该单位"),
    "more_than_the_resolution_gives": ("more than the resolution gives", "超出处理结果的金额"),
    "names_no_trip": ("names no trip", "未写航次"),
    "no_price_for_this_carrier": ("no price for this carrier", "该承运方无价格"),
    "names_no_month": ("names no month", "未指明月份"),
    "names_no_contest": ("names no contest", "未指明异议"),
    "a_third_party": ("a third party", "第三方"),
    "names_no_payment_to_this_unit": ("names no payment to this unit", "不是付给本单位的付款"),
    "too_large_to_be_meant": ("too large to be meant", "数量过大"),
    "is_no_payment": ("is no payment", "不是付款"),
    "trip_share": ("share of trips", "航次分摊"),
    "unused": ("unused capacity", "闲置运力"),
    "answer": ("Answer", "答复"),
    "check": (_CHECK, _CHECK_CHINESE),
    "refusals": ("Refused packages", "拒收的包"),
    "disputes": ("Disputed, and not due", "有争议、暂不到期"),
    "contested_line": ("contested line", "有异议的明细"),
    "refused_service": ("service that its user disagrees with", "使用方不同意的服务"),
    "refused_packages": ("refused packages, at the mean price", "拒收的包（按均价）"),
    "event": ("Event", "事件"),
    "sterilisation": ("sterilisation", "灭菌"),
    "transport": ("transport", "运输"),
    "equipment": ("shared equipment", "共享设备"),
    "rooms": ("rooms", "场地"),
    "staff": ("staff", "人员"),
    "training": ("training", "培训"),
    "library": ("parameter library", "参数库"),
    "resolution": ("given back after a contest", "异议后退回"),
    "page": ("page", "页"),
    "value": ("Value", "价值"),
    "market_of_used": ("Used, at market", "使用（市场价）"),
    "load": ("load rate", "负荷率"),
    "sharing": ("sharing rate", "共享率"),
    "sharing_income": ("sharing income", "共享收入"),
    "qualified": ("qualified rate", "合格率"),
    "on_time": ("on time", "准时率"),
    "discrepancy": ("discrepancy rate", "差异率"),
    "receiving_completeness": ("receiving completeness", "接收完整率"),
    "recall_found": ("found on recall", "召回找回率"),
    "response_time": ("response time", "响应时间"),
    "availability": ("availability", "可用率"),
    "satisfaction": ("satisfaction", "满意度"),
    "research": ("research output", "科研产出"),
    "economy": ("economy", "经济性"),
    "efficiency": ("efficiency", "效率"),
    "benefit": ("benefit", "效益"),
    "green": ("green", "绿"),
    "yellow": ("yellow", "黄"),
    "red": ("red", "红"),
    "defined by the group": ("defined by the group", "集团自定"),
}


def say(key: str, language: Language) -> str:
    """A word in a language; a key that is none is itself, such as a unit's code."""
    words = _WORDS.get(key)
    return key if words is None else words[language is Language.CHINESE]


def words_in(language: Language) -> dict[str, str]:
    """All of them."""
    return {key: words[language is Language.CHINESE] for key, words in _WORDS.items()}
