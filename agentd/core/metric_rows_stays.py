"""The metrics of callers who wait: rows of :mod:`agentd.core.metric_table`. Pure."""

from __future__ import annotations

from typing import Final

from agentd.core.metric_row import WAITING, Metric

STAYS: Final[tuple[Metric, ...]] = (
    Metric(
        "offered",
        ("呼入量", "offered"),
        ("进入队列的通话数", "calls that joined the queue"),
        "count",
        ("offered",),
        kinds=WAITING,
        rests_on="stays",
        example=(
            "10:00–10:30 有 40 位来电者进入队列,其中 2 位仍在等待:呼入量 40。",
            "40 callers joined between 10:00 and 10:30, 2 of them still wait: offered 40.",
        ),
        left_out=(
            (
                "进入队列之前被拒绝的通话(占线、队列已满):Asterisk 不为其发送事件,无法看到。"
                "一通电话进入两个队列,在每个队列各计一次,全站计两次。"
            ),
            (
                "Calls refused before the queue (busy, full): Asterisk sends no event for them, so they "
                "cannot be seen. A call that joins two queues counts in each, and twice for the site."
            ),
        ),
    ),
    Metric(
        "waiting",
        ("正在等待", "waiting"),
        ("已进入队列、尚未接通或离开的来电者", "callers who joined and still wait"),
        "count",
        ("waiting",),
        kinds=WAITING,
        rests_on="stays",
        example=("2 位来电者仍在队列中:2。", "2 callers are in the queue: 2."),
        left_out=(
            "只包含在该时段内进入的来电者。",
            "Only those who joined within the window.",
        ),
    ),
    Metric(
        "answered",
        ("接通", "answered"),
        ("接通到座席的通话数", "calls connected to a seat"),
        "count",
        ("answered",),
        kinds=WAITING,
        rests_on="stays",
        example=("40 通中 35 通由座席接起:35。", "Seats answered 35 of the 40: 35."),
        left_out=(
            "直接拨打座席的通话没有经过队列;见「应答通数」。",
            "Calls dialled straight to a seat joined no queue: see answered legs.",
        ),
    ),
    Metric(
        "abandoned",
        ("放弃", "abandoned"),
        ("来电者在等待中挂机", "callers who left while they waited"),
        "count",
        ("abandoned",),
        kinds=WAITING,
        rests_on="stays",
        example=("3 位来电者挂机:3。", "3 callers hung up: 3."),
        left_out=(
            "断线期间消失的来电者:去向未知,计为 lost。",
            "Callers who were gone after a gap: nobody knows how; they count as lost.",
        ),
    ),
    Metric(
        "short_abandons",
        ("短放弃", "short abandons"),
        ("5 秒内(可配置)放弃的来电", "abandoned within 5 s (configurable), part of abandoned"),
        "count",
        ("short_abandons",),
        kinds=WAITING,
        rests_on="stays",
        example=(
            "3 次放弃中 1 次在 4.2 秒:短放弃 1。",
            "One of the 3 gave up after 4.2 s: 1 short abandon.",
        ),
        left_out=(
            "等待时间只是估算的放弃。",
            "Abandons whose wait is only an estimate.",
        ),
    ),
    Metric(
        "let_go",
        ("队列超时", "let go"),
        ("队列放行(超时等),来电者未挂机", "the queue gave up; the caller had not"),
        "count",
        ("let_go",),
        kinds=WAITING,
        rests_on="stays",
        example=("1 位等满 60 秒后被队列放行:1。", "One was let go after 60 s: 1."),
        left_out=(
            "随即在别处得到服务的来电计为「转走」。",
            "Callers served elsewhere right after count as moved.",
        ),
    ),
    Metric(
        "moved",
        ("转走", "moved"),
        ("离开队列后随即在别处得到服务", "left the queue and was served elsewhere right after"),
        "count",
        ("moved",),
        kinds=WAITING,
        rests_on="stays",
        source="ours: what is neither answered, abandoned nor let go",
        example=("1 位溢出到另一队列:1。", "One overflowed into another queue: 1."),
    ),
    Metric(
        "lost",
        ("去向未知", "lost from sight"),
        ("连接中断期间消失的来电者", "callers who were gone when the link came back"),
        "count",
        ("lost",),
        kinds=WAITING,
        rests_on="stays",
        source="ours: inconclusive is unknown",
        example=("断线 40 秒后 1 位不见了:1。", "After a gap of 40 s one is not there: 1."),
    ),
    Metric(
        "connect_rate",
        ("接通率", "connect rate"),
        ("接通 / 呼入量", "answered / offered"),
        "share",
        ("answered",),
        ("offered",),
        kinds=WAITING,
        rests_on="stays",
        example=("35 / 40 = 87.5 %。", "35 / 40 = 87.5 %."),
        left_out=(
            "仍在等待的来电已计入呼入量。",
            "Nothing: who still waits was offered, and is not answered yet.",
        ),
    ),
    Metric(
        "service_level",
        ("服务水平", "service level SL(T)"),
        (
            "T 秒内接通 / (呼入量 − 短放弃),T 默认 15 秒",
            "answered within T of joining / (offered − short abandons); T = 15 s by default",
        ),
        "share",
        ("in_time",),
        ("sl_of",),
        kinds=WAITING,
        source="product rules, section 3; GB/T 33358-2016 (T = 15 s)",
        rests_on="stays",
        example=(
            "40 呼入,1 短放弃,2 仍在等待;30 通在 15 秒内接通:30 / (40 − 1 − 2) = 81.1 %。",
            (
                "40 offered, 1 short abandon, 2 still waiting; 30 answered within 15 s: "
                "30 / (40 − 1 − 2) = 81.1 %."
            ),
        ),
        left_out=(
            "仍在等待的(尚未见分晓)、等待时间只是估算的、去向未知的。Asterisk 自己的 SL 与 SL2 是另外两个数字。",
            (
                "Who still waits (nothing is decided), whose wait is only an estimate, who was lost "
                "from sight. Asterisk's own SL and SL2 are other figures and keep those names."
            ),
        ),
    ),
    Metric(
        "asa",
        ("平均应答时长", "ASA"),
        ("已接通来电等待时长的平均值", "mean wait of answered calls"),
        "seconds",
        ("wait_us",),
        ("answered",),
        kinds=WAITING,
        rests_on="stays",
        example=("35 通共等待 420 秒:12 秒。", "35 calls waited 420 s together: 12 s."),
        left_out=("未接通的来电。", "Calls that were not answered."),
    ),
    Metric(
        "longest_wait",
        ("最长等待", "longest wait"),
        ("目前等待最久的来电者已等时长", "how long the oldest caller now waiting has waited"),
        "seconds",
        ("longest_wait_us",),
        kinds=WAITING,
        rests_on="stays",
        example=(
            "两位分别等了 8 秒和 31 秒:31 秒。",
            "Two wait, since 8 s and 31 s: 31 s.",
        ),
        left_out=(
            "是「现在」的数字:与时段无关,没有昨日与上周的对照。",
            "A figure of now: no window changes it, and it has no yesterday and no last week.",
        ),
    ),
)
