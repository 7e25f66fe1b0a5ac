"""What webhooks say, and how each kind of receiver wants it said and signed.

Machines (``json``) are signed as in the Standard Webhooks specification (standardwebhooks.com):
HMAC-SHA256 over ``id.timestamp.body``. The chat robots follow their makers' documents: WeCom
(developer.work.weixin.qq.com, document 91770), DingTalk (open.dingtalk.com, custom robot access),
Feishu (open.feishu.cn, client-docs/bot-v3/add-custom-bot). All three answer 200 to a message that
they refuse; the reason is in the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from agentd.core.effects import (
    Alert,
    Effect,
    OrderChanged,
    SurgeChanged,
    Violation,
    seconds,
    to_record,
)
from agentd.core.order_model import Notice, WorkOrder
from agentd.logs import mask_number, mask_text
from agentd.words import Lang, known, say

Style = Literal["json", "wecom", "dingtalk", "feishu"]

ROBOT_TEXT_MAX_BYTES: Final = 1800
"""WeCom takes 2,048 bytes of text, the others more."""

# Each in Chinese, then in English.
_NOTICES: Final[Mapping[str, tuple[str, str]]] = {
    "urgent": ("【急件】请值班长确认", "URGENT: to be acknowledged by the shift leader"),
    "urgent_deputy": (
        "【急件】值班长未确认，请代班人员处理",
        "URGENT: not acknowledged by the shift leader; deputy, please",
    ),
    "nobody_on_duty": (
        "【急件】无值班长在岗！坐席须自行联系承办单位",
        "URGENT and no shift leader on duty: the agent must call the responsible unit",
    ),
    "urgent_acknowledged": ("急件已确认", "urgent order acknowledged"),
    "forwarded": ("工单已转值班长", "work order forwarded to the shift leader"),
    "own_service": ("有涉及本单位服务的工单", "a work order about our own service"),
    "returned": ("工单被退回", "work order returned"),
    "dispatch_due": ("催办：派单将到期或已到期", "reminder: a dispatched order is due"),
    "promise_soon": ("对来电人的承诺即将到期", "a promise to a caller is due soon"),
    "promise_broken": ("对来电人的承诺已逾期", "a promise to a caller was not kept in time"),
    "assigned": ("工单已分配", "work order assigned"),
    "told_owner": ("有新的建议类工单", "a suggestion for its owner"),
    "director": ("有关于本中心的来电", "an enquiry about the centre itself"),
    "no_call_back": ("延时答复未在时限内回拨", "a delayed reply without a call-back in time"),
}
FOR_ONE_PERSON: Final = frozenset({"assigned", "returned", "promise_soon"})
"""Notices for an agent, who has them on the desk: no matter for a leaders' chat."""

_TIMES: Final = ("第 {times} 次通知", "notice no. {times}")
_LINES: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("标题", "title"),
    "queue": ("队列", "queue"),
    "seat": ("坐席", "seat"),
    "agent": ("话务员", "agent"),
    "caller": ("来电号码", "caller"),
    "order": ("工单", "work order"),
    "value": ("实际", "actual"),
    "limit": ("时限", "limit"),
    "waiting": ("排队人数", "callers waiting"),
    "longest_wait": ("最长等待", "longest wait"),
    "service_level": ("近 30 分钟服务水平", "service level of 30 minutes"),
    "lasted": ("持续", "lasted"),
    "folded": ("期间折叠的小告警", "small alarms folded meanwhile"),
}
_ORDER_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "opened": ("开单", "opened"),
    "due": ("计时开始", "due"),
    "handed_over": ("移交", "handed over"),
    "clock": ("PBX 时钟被调整", "the PBX's clock was set"),
    "assigned": ("转交他人", "given to somebody else"),
    "overdue": ("逾期", "overdue"),
    "resumed": ("通话恢复", "resumed"),
    "completed": ("完成", "completed"),
}


class Message(Struct, frozen=True, omit_defaults=False):
    """One message: the body for machines (JSON), and what the robots make theirs of."""

    type: Literal["alert", "violation", "work_order", "notice", "surge"]
    at: float
    """Seconds since the epoch, PBX time."""
    text: str
    data: dict[str, Any]


def of_notice(notice: Notice, order: WorkOrder, lang: Lang, *, mask: bool) -> Message:
    """What a receiver is told of ``notice`` about ``order``."""
    # A complaint about ourselves is no matter for whoever reads along.
    title = "" if order.own_service else order.title
    caller = _number(order.caller, mask)
    said = notice.text_zh if lang == "zh" else notice.text_en
    if mask:
        title, said = mask_text(title), mask_text(said)
    data = {
        "kind": notice.kind,
        "order": order.id,
        "times": notice.times,
        "to": list(notice.to),
        "without": list(notice.without),
        "role": notice.role,
        "pbx": order.pbx,
        "call": order.call,
        "queue": order.queue,
        "seat": order.seat,
        "agent": order.agent,
        "team": order.team,
        "caller": caller,
        "state": order.state,
        "category": order.category,
        "title": title,
        "own_service": order.own_service,
        "text": "" if order.own_service else said,
        "opened_at": seconds(order.opened_us),
        "due_at": seconds(order.due_us),
    }
    zh, en = _NOTICES[notice.kind]
    head = [_in(lang, (zh, en))]
    if notice.times > 1:
        head.append(_in(lang, _TIMES).format(times=notice.times))
    facts: dict[str, Any] = {"queue": order.queue}
    if not order.own_service:
        facts = {
            "title": title,
            **facts,
            "seat": order.seat,
            "agent": order.agent,
            "caller": caller,
        }
    facts["order"] = order.id
    at = seconds(notice.at_us) or 0.0
    return Message("notice", at, _text(lang, head, facts), data)


def of_effect(effect: Effect, lang: Lang, *, mask: bool) -> Message | None:
    """What a receiver is told of ``effect``; None of most."""
    record = to_record(effect)
    if record is None:
        return None
    kind = record.pop("type")
    at = seconds(getattr(effect, "at_us", None)) or 0.0
    facts: dict[str, Any] = {"queue": record.get("queue"), "seat": record.get("seat")}
    facts["agent"] = record.get("agent")
    match effect:
        case Alert():
            head = [f"{_word(lang, 'level', effect.level)}: {_word(lang, 'rule', effect.rule)}"]
            if effect.level == "cleared":
                head = [f"{say(lang, 'watch.cleared')}: {_word(lang, 'rule', effect.rule)}"]
            facts |= {"value": _span(effect.value_us), "limit": _span(effect.limit_us)}
        case Violation():
            head = [f"{_in(lang, ('违规', 'violation'))}: {_word(lang, 'rule', effect.rule)}"]
            facts |= {"value": _span(effect.value_us), "limit": _span(effect.limit_us)}
        case SurgeChanged():
            head = [_surge(lang, effect.level, effect.was)]
            facts |= _surge_facts(effect)
        case OrderChanged():
            change = _ORDER_CHANGES.get(effect.change, (effect.change, effect.change))
            head = [f"{_in(lang, _LINES['order'])}: {_in(lang, change)}"]
            record["caller"] = _number(effect.caller, mask)
            record["completed_at"] = seconds(effect.completed_us)
            record["completed_by"] = effect.completed_by
            facts |= {"caller": record["caller"], "order": effect.id}
        case _:
            return None
    return Message(kind, at, _text(lang, head, facts), record)


def _surge(lang: Lang, level: int, was: int) -> str:
    if not level:
        return _in(lang, ("话务预警解除", "surge: it is over"))
    words = (
        ("话务预警 {level} 级", "surge: level {level}")
        if level > was
        else ("话务预警降为 {level} 级", "surge: down to level {level}")
    )
    return _in(lang, words).format(level=level)


def _surge_facts(surge: SurgeChanged) -> dict[str, Any]:
    if not surge.level:
        return {"lasted": _span(surge.at_us - surge.began_us), "folded": surge.folded}
    share = surge.service_level
    return {
        "waiting": surge.waiting,
        "longest_wait": _span(surge.longest_wait_us),
        "service_level": None if share is None else f"{share:.0%}",
    }


def _in(lang: Lang, words: tuple[str, str]) -> str:
    return words[0] if lang == "zh" else words[1]


def _word(lang: Lang, kind: str, code: str) -> str:
    key = f"{kind}.{code}"
    return say(lang, key) if known(key) else code


def _number(number: str | None, mask: bool) -> str | None:
    return mask_number(number) if mask and number else number


def _span(us: int | None) -> str | None:
    return None if us is None else f"{us / 1e6:.1f} s"


def _text(lang: Lang, head: list[str], facts: Mapping[str, Any]) -> str:
    lines = [
        f"{_in(lang, _LINES[name])}: {value}" for name, value in facts.items() if value is not None
        and value != ""
    ]  # fmt: skip
    return "\n".join([*head, *lines])


# --- how it is sent --------------------------------------------------------------------------


class Post(Struct, frozen=True):
    """A request as it goes out."""

    url: str
    headers: dict[str, str]
    body: bytes


def post(
    style: Style, url: str, secret: str | None, item_id: str, body: bytes, now_us: int
) -> Post:
    """The request that brings ``body`` (an encoded :class:`Message`) to ``url``, signed now."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if style == "json":
        stamp = str(now_us // 1_000_000)
        headers |= {"webhook-id": item_id, "webhook-timestamp": stamp}
        if secret:
            headers["webhook-signature"] = standard_signature(secret, item_id, stamp, body)
        return Post(url, headers, body)
    text = _cut(msgspec.json.decode(body, type=Message).text)
    said: dict[str, Any]
    if style == "feishu":
        said = {"msg_type": "text", "content": {"text": text}}
        if secret:
            stamp = str(now_us // 1_000_000)
            said |= {"timestamp": stamp, "sign": feishu_signature(secret, stamp)}
    else:
        said = {"msgtype": "text", "text": {"content": text}}
        if style == "dingtalk" and secret:
            stamp = str(now_us // 1_000)
            signed = urlencode({"timestamp": stamp, "sign": dingtalk_signature(secret, stamp)})
            url += ("&" if "?" in url else "?") + signed
    return Post(url, headers, msgspec.json.encode(said))


def standard_signature(secret: str, item_id: str, stamp: str, body: bytes) -> str:
    """The ``webhook-signature`` header. A secret ``whsec_…`` is base64, any other as it stands."""
    plain = secret.removeprefix("whsec_")
    key = base64.b64decode(plain, validate=True) if plain != secret else secret.encode()
    signed = hmac.digest(key, f"{item_id}.{stamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def dingtalk_signature(secret: str, stamp_ms: str) -> str:
    """DingTalk's ``sign``: over timestamp and secret, keyed with the secret."""
    signed = hmac.digest(secret.encode(), f"{stamp_ms}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(signed).decode()


def feishu_signature(secret: str, stamp_s: str) -> str:
    """Feishu's ``sign``: over nothing, keyed with timestamp and secret."""
    signed = hmac.digest(f"{stamp_s}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(signed).decode()


def _cut(text: str) -> str:
    raw = text.encode()
    if len(raw) <= ROBOT_TEXT_MAX_BYTES:
        return text
    return raw[:ROBOT_TEXT_MAX_BYTES].decode(errors="ignore") + "…"


# --- what robots answer ----------------------------------------------------------------------

_TOO_FAST: Final = frozenset(
    {
        45009,  # WeCom: too many messages a minute
        130101,  # DingTalk: the same
        130102,
        11232,  # Feishu: its own system is at its limit
        9499,  # Feishu: too many
    }
)
_BUSY: Final = -1


class RobotAnswer(Struct, frozen=True):
    """What a robot's 200 says: ``taken``, or why not, and whether a later try makes sense."""

    taken: bool
    again: bool = False
    too_fast: bool = False
    reason: str = ""


def robot_answer(content: bytes) -> RobotAnswer:
    """Read the body of a robot's 200."""
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        answer = None
    if not isinstance(answer, dict):
        return RobotAnswer(False, again=True, reason="it answers like no chat robot")
    code = next((answer[key] for key in ("errcode", "code", "StatusCode") if key in answer), None)
    if code == 0:
        return RobotAnswer(True)
    words = next((answer[key] for key in ("errmsg", "msg", "StatusMessage") if key in answer), "")
    return RobotAnswer(
        False,
        again=code in _TOO_FAST or code == _BUSY or not isinstance(code, int),
        too_fast=code in _TOO_FAST,
        reason=f"the robot says {code}: {str(words)[:200]}",
    )
