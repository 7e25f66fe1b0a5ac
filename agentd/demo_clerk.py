"""What the demo's agents write into their orders: plausible, and never the same all day.

Places and people are made up. Whatever the form asks for is filled in, so that a site's own form
can be shown by the demo as well.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import Final, Protocol

from agentd.core.order_form import CategorySpec, FieldSpec, FormBook
from agentd.core.order_model import AddNote, Complete, Reply

_PLACES: Final = (
    "人民路12号", "解放路与新华街交叉口", "滨江花园3幢2单元", "东湖公园南门", "建设新村18号",
    "火车站北广场", "青年路农贸市场", "和平小区5号楼", "中山东路地铁口", "文化宫停车场",
    "城西客运站", "翠苑小区西门", "学院路第二小学门口", "工业园区一号路", "桂花巷7号",
)  # fmt: skip
_WEIGHTS: Final[Mapping[str, int]] = {
    "consult": 10, "complaint": 5, "help": 4, "suggestion": 2, "report": 1, "praise": 1,
    "centre": 1,
}  # fmt: skip
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "consult": (
        "居住证办理需要哪些材料", "公积金提取条件", "新能源车牌如何申领", "社保卡补办流程",
        "老年公交卡年审时间", "新生儿医保如何参保", "危房改造补贴标准",
    ),
    "suggestion": (
        "增设非机动车停放区", "路口信号灯绿灯时间过短", "公园增加夜间照明", "公交末班车延后半小时",
        "小区门口增设斑马线",
    ),
    "complaint": (
        "夜间施工噪音扰民", "垃圾三天未清运", "物业不开具发票", "共享单车堵塞盲道",
        "餐馆油烟直排", "路灯连续多日不亮", "停车收费未公示",
    ),
    "help": (
        "水管爆裂路面积水", "电梯困人后反复停运", "独居老人家中燃气异味", "树枝压断电线",
        "下水道井盖缺失", "小区整栋停水超过十小时",
    ),
    "report": ("无证摊贩占道经营", "违规倾倒建筑垃圾", "群租房存在消防隐患", "流动加油车"),
    "praise": ("公交司机拾金不昧", "接线员耐心解答", "社区民警冒雨救助老人", "环卫工人归还手机"),
    "centre": ("咨询热线服务时间", "询问工单办理进度查询方式", "希望电话回访时间避开午休"),
}  # fmt: skip
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "against": ("某物业公司", "某施工单位", "沿街餐馆", "某停车场", "某快递网点"),
    "demand": ("尽快到现场处理", "请责任单位回电说明", "要求限期整改", "希望告知处理结果"),
    "caller_name": ("张先生", "李女士", "王先生", "陈女士", "刘先生", "赵女士"),
}
_ANY_TEXT: Final = ("来电人反映属实,请核实", "详见来电录音", "来电人要求保密")
_ANSWERS: Final = (
    ("已告知所需材料及办理窗口", "知识库 0132 号"),
    ("已说明办理条件和流程,来电人表示清楚", "《居住证暂行条例》第九条"),
    ("已告知标准及查询方式", "市政策文件汇编 2024 年版"),
    ("已告知可在政务网上办理", "知识库 0087 号"),
)
_NOTES: Final = (
    "已回电,来电人称问题已解决",
    "已回电,无人接听,稍后再拨",
    "已回电,来电人误拨",
)
_PROMISED: Final = "需向业务科室核实,15 分钟内回电答复"
DELAYED: Final = 0.08
"""Share of enquiries that are answered by a call-back."""
OWN_SERVICE: Final = 0.03
"""Share of complaints that are about ourselves."""


class OrderToFill(Protocol):
    """What the clerk looks at: a :class:`WorkOrder`, or the engine's word about one."""

    @property
    def queue(self) -> str | None: ...
    @property
    def caller(self) -> str | None: ...
    @property
    def opened_us(self) -> int: ...


def clerk_completion(order: OrderToFill, book: FormBook, rng: random.Random) -> Complete:
    """Everything that ``book`` asks for to complete ``order``; ``rng`` chooses."""
    offered = book.offered(order.queue)
    if not offered:
        return Complete(external_no=_number(rng) if book.external else "")
    (category,) = rng.choices(offered, [_WEIGHTS.get(c.key, 1) for c in offered])
    return Complete(
        category=category.key,
        own_service=category.key == "complaint" and rng.random() < OWN_SERVICE,
        fields={
            spec.key: _value(spec, category, order, book, rng)
            for spec in category.fields
            if spec.required or spec.in_title or rng.random() < 0.5
        },
        reply=_reply(rng) if category.needs_reply else None,
        external_no=_number(rng) if book.external else "",
    )


def clerk_note(rng: random.Random) -> AddNote:
    """What became of a missed call; without a word about it its order cannot be completed."""
    return AddNote(rng.choice(_NOTES))


def _value(
    spec: FieldSpec, category: CategorySpec, order: OrderToFill, book: FormBook, rng: random.Random
) -> str:
    match spec.kind:
        case "choice":
            return rng.choice(spec.choices) if spec.choices else ""
        case "place":
            value = rng.choice(_PLACES)
        case "phone":
            value = order.caller or f"139{rng.randrange(10**8):08d}"
        case "date":
            local_s = order.opened_us // 1_000_000 + book.calendar.utc_offset_s
            day = dt.date(1970, 1, 1) + dt.timedelta(seconds=local_s, days=-rng.randrange(4))
            value = day.isoformat()
        case "text":
            known = _EVENTS.get(category.key) if spec.key == "event" else _TEXTS.get(spec.key)
            value = rng.choice(known or _ANY_TEXT)
    return value[: spec.max_chars]


def _reply(rng: random.Random) -> Reply:
    if rng.random() < DELAYED:
        return Reply("delayed", _PROMISED)
    content, basis = rng.choice(_ANSWERS)
    return Reply("direct", content, basis)


def _number(rng: random.Random) -> str:
    return f"PT{rng.randrange(10**8):08d}"
