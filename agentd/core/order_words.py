"""What the life of a work order says to people, in Chinese and in English: pairs (zh, en).

Refusals and notices are read by agents in the middle of a call: plain words, and what to do.
"""

from __future__ import annotations

from typing import Literal

from agentd.core.order_form import Label
from agentd.core.order_model import ExceptionKind, Missing, OrderRefusal, OrderState, WorkOrder

STATE_WORDS: dict[OrderState, Label] = {
    "open": ("待完善", "open"),
    "completed": ("已完成", "completed"),
    "forwarded": ("已转值班长", "forwarded"),
    "dispatched": ("已派单", "dispatched"),
    "answered": ("已答复", "answered"),
    "told": ("已告知", "told"),
    "closed": ("办结", "closed"),
    "revisited": ("已回访", "revisited"),
    "returned": ("退回", "returned"),
    "merged": ("已合并", "merged"),
}

COMMAND_WORDS: dict[str, Label] = {
    "edit": ("修改", "edited"),
    "complete": ("完成", "completed"),
    "urgent": ("标为急件", "marked urgent"),
    "not_urgent": ("取消急件", "marked as not urgent"),
    "handle_urgent": ("登记急件处理", "given a record of how the urgent case was handled"),
    "acknowledge": ("确认收到", "acknowledged"),
    "forward": ("转值班长", "forwarded to the shift leader"),
    "dispatch": ("派单", "dispatched"),
    "urge": ("催办", "urged"),
    "answer": ("登记答复", "answered"),
    "tell": ("登记告知", "recorded as told to the caller"),
    "promise": ("登记承诺", "given a promise"),
    "keep_promise": ("登记承诺已兑现", "given a kept promise"),
    "return": ("退回", "returned"),
    "close": ("办结", "closed"),
    "revisit": ("登记回访", "given a revisit"),
    "merge": ("合并", "merged"),
    "note": ("加备注", "given a note"),
    "add_number": ("加联系电话", "given a number"),
    "remove_number": ("删联系电话", "relieved of a number"),
    "assign": ("转交他人", "assigned"),
    "exempt": ("登记例外", "given an exception"),
    "consent": ("登记客户同意等待", "given a consent"),
    "link": ("关联通话", "linked with a call"),
    "absorb": ("并入工单", "joined by another order"),
    "tick": ("计时", "ticked"),
}

EXCEPTION_WORDS: dict[ExceptionKind, Label] = {
    "silent_call": ("无声电话", "Silent call"),
    "bad_line": ("线路不清", "Bad line"),
    "wrong_number": ("打错电话", "Wrong number"),
    "harassment": ("骚扰电话", "Harassment"),
}

FIELD_WORDS: dict[str, Label] = {
    "category": ("诉求类别", "category"),
    "external_no": ("市平台工单编号", "number of the city platform's form"),
    "reply": ("答复", "reply"),
    "reply.mode": ("答复方式", "reply mode"),
    "reply.content": ("答复内容", "content of the reply"),
    "reply.basis": ("答复依据", "basis of the reply"),
    "urgent.unit": ("联系的承办单位", "unit that was called"),
    "urgent.process": ("处理经过", "what was done"),
    "urgent.method": ("处理办法", "how it was handled"),
    "reason": ("原因", "reason"),
    "text": ("内容", "text"),
    "unit": ("承办单位", "unit"),
    "person": ("承办人", "responsible person"),
    "process": ("处理经过", "what was done"),
    "method": ("处理办法", "how it was handled"),
    "due_days": ("办理期限(工作日)", "working days"),
    "due_us": ("期限", "time limit"),
    "satisfaction": ("满意度", "satisfaction"),
    "number": ("电话号码", "number"),
    "label": ("号码说明", "label"),
    "to": ("接收人工号", "login of the other person"),
    "into": ("并入的工单", "order to merge into"),
}


def name_of(path: str) -> Label:
    """What people call the field at ``path``."""
    return FIELD_WORDS.get(path, (path, path))


def lacking(path: str, code: str, label: Label | None = None, *, limit: str = "") -> Missing:
    """A :class:`Missing` for the field at ``path``, in words; ``label`` where the form names it,
    ``limit`` what belongs to the code: the choices, or how long a text may be."""
    zh, en = label or name_of(path)
    texts: dict[str, Label] = {
        "required": (f"请填写「{zh}」", f"fill in “{en}”"),
        "not_a_choice": (
            f"「{zh}」请从给出的选项中选择" + (f":{limit}" if limit else ""),
            f"choose “{en}” from what is offered" + (f": {limit}" if limit else ""),
        ),
        "too_long": (
            f"「{zh}」太长,最多 {limit} 字",
            f"“{en}” is too long; it may have {limit} characters",
        ),
        "not_a_date": (
            f"「{zh}」请写成 年-月-日,例如 2026-03-01",
            f"write “{en}” as year-month-day, for example 2026-03-01",
        ),
        "not_a_number": (
            f"「{zh}」不是可以回拨的电话号码",
            f"“{en}” is not a number that can be called",
        ),
        "not_later": (f"「{zh}」必须晚于现在", f"“{en}” must be later than now"),
        "out_of_range": (f"「{zh}」应在 {limit} 之间", f"“{en}” must be within {limit}"),
        "no_call_back": (
            "尚未回拨:请先回拨来电人,或写一条备注说明",
            "nobody has called back yet: call the caller, or write a note that says why not",
        ),
        "only_one": (
            "办理期限写工作日数或截止时间,只写一个",
            "say the working days or the moment when it is due, not both",
        ),
        "unknown": (
            f"表单里没有「{zh}」这一项",
            f"the form has no “{en}”",
        ),
    }
    text_zh, text_en = texts[code]
    return Missing(path, code, text_zh, text_en)


def invalid(order: WorkOrder, *lacks: Missing) -> OrderRefusal:
    """The command's own values, or the order's, do not do."""
    return OrderRefusal(
        "invalid",
        ";".join(lack.text_zh for lack in lacks) + "。",
        "; ".join(lack.text_en for lack in lacks) + ".",
        lacks,
        order,
    )


def refused(
    code: Literal["wrong_state", "forbidden", "not_found"], order: WorkOrder, words: Label
) -> OrderRefusal:
    """A refusal in ``words``; what may not be seen is not shown."""
    return OrderRefusal(code, *words, order=None if code == "not_found" else order)


def not_found() -> OrderRefusal:
    """No such order, or none that this person may know of."""
    return OrderRefusal("not_found", "没有找到这张工单。", "There is no such work order.")


def forbidden(order: WorkOrder, do: str) -> OrderRefusal:
    """The person may not do this with this order, in whatever state it is."""
    zh, en = COMMAND_WORDS[do]
    return refused(
        "forbidden",
        order,
        (
            f"您无权对这张工单做「{zh}」,请找值班长。",
            (
                f"You may not do this: only somebody else can have this order {en}. "
                "Ask the shift leader."
            ),
        ),
    )


def wrong_state(order: WorkOrder, do: str) -> OrderRefusal:
    """The order's state does not allow this."""
    zh, en = COMMAND_WORDS[do]
    state_zh, state_en = STATE_WORDS[order.state]
    if order.merged_into is not None:
        return refused(
            "wrong_state",
            order,
            (
                f"这张工单已并入 {order.merged_into},请到那张工单上操作。",
                f"This order was merged into {order.merged_into}: go on there.",
            ),
        )
    return refused(
        "wrong_state",
        order,
        (
            f"工单现在是「{state_zh}」,不能{zh}。",
            f"The order is {state_en} now and cannot be {en}.",
        ),
    )
