"""The metrics of calls, people and orders: rows of :mod:`agentd.core.metric_table`. Pure."""

from __future__ import annotations

from typing import Final

from agentd.core.metric_row import WAITING, WORKING, Metric

_TALK_UNKNOWN = (
    "接听时刻未知的通话(重新连接时发现)不计入。",
    "Legs whose answer was not seen (found when the link came back) are left out on both sides.",
)

WORK: Final[tuple[Metric, ...]] = (
    Metric(
        "legs_answered",
        ("应答通数", "answered legs"),
        ("座席接起的客户来电段数", "customers' calls that a seat answered, one for each seat"),
        "count",
        ("legs_answered",),
        example=(
            "一通电话由甲接起后转给乙:甲乙各 1 段。",
            "One call answered by A and transferred to B: one leg each.",
        ),
        left_out=("内部通话与呼出。", "Internal and outbound calls."),
    ),
    Metric(
        "within_rings",
        ("两声接起率", "within-rings rate"),
        (
            "规定铃声内接起 / (接起 + 未接 + 拒接 + 超限后来电者或队列放弃)",
            (
                "legs answered within R1 / (legs answered + no_answer + rejected + legs past the limit "
                "when the caller or the queue gave up)"
            ),
        ),
        "share",
        ("rings_in_time",),
        ("rings_of",),
        example=(
            "接起 20(其中 1 次超限),未接 1,拒接 1,超限后来电者放弃 1:19 / 23 = 82.6 %。",
            (
                "20 answered (1 of them late), 1 no answer, 1 rejected, 1 given up past the limit: "
                "19 / 23 = 82.6 %."
            ),
        ),
        left_out=(
            "咨询转来的与代接的(不判振铃)、估算的与断线期间的。申诉不改变是否超时这一事实。",
            (
                "Legs that began as a consultation or a pickup (no ring is judged), estimated ones and "
                "those in a gap. An appeal does not change whether it was late: see compliance."
            ),
        ),
    ),
    Metric(
        "talk",
        ("平均通话时长", "talk"),
        ("通话时长(含保持)/ 应答通数", "talk_s (holds included) / answered legs"),
        "seconds",
        ("talk_us",),
        ("legs_timed",),
        example=("2 段,180 秒与 120 秒:150 秒。", "2 legs of 180 s and 120 s: 150 s."),
        left_out=_TALK_UNKNOWN,
    ),
    Metric(
        "hold",
        ("平均保持时长", "hold"),
        ("保持时长 / 应答通数", "hold_s / answered legs"),
        "seconds",
        ("hold_us",),
        ("legs_timed",),
        example=("其中一段保持 30 秒:15 秒。", "One of them held for 30 s: 15 s."),
        left_out=(
            "断线期间长度未知的保持;静音在 AMI 中看不见。",
            "Holds whose length a gap hid; mute, which AMI does not show.",
        ),
    ),
    Metric(
        "net_talk",
        ("净通话时长", "net talk"),
        ("(通话 − 保持)/ 应答通数", "(talk_s − hold_s) / answered legs"),
        "seconds",
        ("talk_us", "-hold_us"),
        ("legs_timed",),
        example=("(300 − 30) / 2 = 135 秒。", "(300 − 30) / 2 = 135 s."),
        left_out=_TALK_UNKNOWN,
    ),
    Metric(
        "acw",
        ("平均事后处理时长", "ACW"),
        (
            "从通话段结束到工单完成、整理时限到或接下一通(取最早)/ 应答通数",
            (
                "from the end of the leg until the order is completed, the configured wrap-up ends, or "
                "the person takes the next call, whichever is first / answered legs"
            ),
        ),
        "seconds",
        ("acw_us",),
        ("legs_timed",),
        example=(
            "一段后 20 秒完成工单,一段后 10 秒接下一通:15 秒。",
            "20 s until the order was complete, 10 s until the next call: 15 s.",
        ),
        left_out=(
            "呼出之后的整理;断线期间的部分。",
            "Wrap-up after outbound calls (it is part of occupancy); what a gap hid.",
        ),
    ),
    Metric(
        "aht",
        ("平均处理时长", "AHT"),
        (
            "(通话(含保持)+ 事后处理)/ 应答通数",
            "(talk_s, holds included, + ACW) / answered legs",
        ),
        "seconds",
        ("talk_us", "acw_us"),
        ("legs_timed",),
        example=("(300 + 30) / 2 = 165 秒。", "(300 + 30) / 2 = 165 s."),
        left_out=_TALK_UNKNOWN,
    ),
    Metric(
        "occupancy",
        ("工时利用率", "occupancy"),
        (
            "(通话 + 事后处理 + 呼出)/ (签入时长 − 休息类示忙)",
            "(talk_s + ACW + outbound) / (signed in − pauses classed as rest)",
        ),
        "share",
        ("work_us",),
        ("signed_in_us", "-rest_us"),
        kinds=WORKING,
        rests_on="time",
        example=(
            "签入 8 小时,休息 1 小时;通话 4 小时 50 分,整理 25 分,呼出 20 分:5:35 / 7:00 = 79.8 %。",
            (
                "8 h signed in, 1 h of rest; 4:50 h of talk, 25 min of wrap-up, 20 min outbound: "
                "5:35 / 7:00 = 79.8 %."
            ),
        ),
        left_out=(
            (
                "时间按时段边界截取,进行中的也计入;断线的时间上下都不计。内部通话与外呼接通前的时间不算工作。"
                "同时两通则计两次。队列没有此项:座席同时服务多个队列。"
            ),
            (
                "Time is cut at the window's edges, and what goes on counts; time in a gap counts on "
                "neither side. Internal calls and dialling out before the far end answers are no work "
                "here. Two calls at once count twice. Not for queues: a seat serves several at a time."
            ),
        ),
    ),
    Metric(
        "signed_in",
        ("签入时长", "signed in"),
        ("座席至少在一个队列中的时间", "time in which the seat was in a queue"),
        "seconds",
        ("signed_in_us",),
        kinds=WORKING,
        rests_on="time",
        example=("08:00 签入,12:00 签出:4 小时。", "In from 08:00 to 12:00: 4 h."),
        left_out=("断线的时间。", "Time in a gap."),
    ),
    Metric(
        "rest",
        ("休息", "rest"),
        ("休息类示忙的时间(原因分类见配置)", "time paused with a reason classed as rest"),
        "seconds",
        ("rest_us",),
        kinds=WORKING,
        rests_on="time",
        example=("午餐 45 分钟:45 分钟。", "Lunch for 45 min: 45 min."),
        left_out=(
            "工作、培训类示忙;没有原因或原因未配置的示忙计为休息。示忙中仍在通话的时间不算休息。",
            (
                "Pauses classed as work or training. A pause without a reason, or with one that is not "
                "configured, is rest. Whoever talks while paused does not rest."
            ),
        ),
    ),
    Metric(
        "calls_per_hour",
        ("每小时处理量", "calls per hour"),
        ("应答通数 / 签入小时数", "answered inbound / signed-in hours"),
        "per_hour",
        ("legs_answered",),
        ("signed_in_us",),
        kinds=WORKING,
        example=("4 小时应答 48 段:12。", "48 legs in 4 h: 12."),
        left_out=("呼出另计。", "Outbound calls are counted apart."),
    ),
    Metric(
        "dialled",
        ("呼出", "dialled"),
        ("座席拨出的通话数", "calls that seats dialled out"),
        "count",
        ("dialled",),
        example=("拨出 10 通:10。", "10 calls were dialled: 10."),
        left_out=(
            "点击拨号后座席自己没有接起的:没有拨出号码。",
            "Clicks whose own phone was never picked up: no number was dialled.",
        ),
    ),
    Metric(
        "connected",
        ("呼出接通", "connected"),
        ("对方接听的呼出", "outbound calls that the far end answered"),
        "count",
        ("connected",),
        example=("其中 6 通被接听:6。", "6 of them were answered: 6."),
    ),
    Metric(
        "reach_rate",
        ("实际工作率", "reach rate"),
        ("呼出接通 / 呼出", "connected / dialled"),
        "share",
        ("connected",),
        ("dialled",),
        example=("6 / 10 = 60 %。", "6 / 10 = 60 %."),
    ),
    Metric(
        "dialled_per_hour",
        ("每小时呼出", "dialled per hour"),
        ("呼出 / 签入小时数", "dialled / signed-in hours"),
        "per_hour",
        ("dialled",),
        ("signed_in_us",),
        kinds=WORKING,
        example=("4 小时 10 通:2.5。", "10 in 4 h: 2.5."),
    ),
    Metric(
        "connected_per_hour",
        ("每小时呼出接通", "connected per hour"),
        ("呼出接通 / 签入小时数", "connected / signed-in hours"),
        "per_hour",
        ("connected",),
        ("signed_in_us",),
        kinds=WORKING,
        example=("4 小时 6 通:1.5。", "6 in 4 h: 1.5."),
    ),
    Metric(
        "fcr",
        ("一次解决率", "FCR"),
        (
            "7 天内同一来电者未就同类事项再次来电、也无需回拨的工单 / 已分类完成的工单",
            (
                "orders whose caller neither called again about the same category in 7 days nor had to "
                "be called back / completed orders with a category"
            ),
        ),
        "share",
        ("fcr",),
        ("fcr_of",),
        rests_on="orders",
        example=(
            "10 张工单,1 位两天后又为同类事项来电,1 位需回拨:80 %。",
            "10 orders, one caller came back in two days, one had to be called back: 80 %.",
        ),
        left_out=(
            (
                "未完成、未分类、已合并、未接来电的工单,以及号码隐藏的来电者的再次来电(无法识别)。"
                "7 天未满时数字仍可能下降。"
            ),
            (
                "Orders that are not complete, have no category, were merged, or are of missed calls; "
                "a caller who withholds the number is not known again. Until the 7 days are over the "
                "figure can still fall."
            ),
        ),
    ),
    Metric(
        "complaints",
        ("投诉量", "complaints"),
        ("投诉类工单数(业务量)", "orders of the complaint category: the hotline's business"),
        "count",
        ("complaints",),
        rests_on="orders",
        example=("5 张投诉类工单:5。", "5 orders of the category: 5."),
        left_out=("已合并的工单。", "Orders that were merged into another."),
    ),
    Metric(
        "complaints_us",
        ("服务投诉率", "complaints about us"),
        (
            "标注「涉及本中心服务」的投诉 / 接通",
            'complaints flagged "about our own service" / answered',
        ),
        "share",
        ("complaints_us",),
        ("answered",),
        kinds=WAITING,
        rests_on="orders",
        example=("350 通接通,1 张:0.29 %。", "1 in 350 answered calls: 0.29 %."),
        left_out=(
            "其他类别的投诉与未标注的工单。",
            "Orders of other categories, and complaints that are not flagged.",
        ),
    ),
    Metric(
        "complaint_timeliness",
        ("投诉处理及时率", "complaint timeliness"),
        (
            "期限内办结 / 期间内到期的全部(未办结且逾期的计为不及时)",
            (
                "closed within the limit / all that fell due in the period (open and overdue count "
                "against)"
            ),
        ),
        "share",
        ("timely",),
        ("timely_of",),
        rests_on="orders",
        example=("到期 4 张,3 张按时办结:75 %。", "4 fell due, 3 were closed in time: 75 %."),
        left_out=(
            "没有派单期限的投诉。",
            "Complaints that were not dispatched: they have no limit.",
        ),
    ),
    Metric(
        "orders",
        ("工单量", "orders"),
        ("期间内建立的工单", "work orders opened in the period"),
        "count",
        ("orders",),
        rests_on="orders",
        source="product rules, R4",
        example=("35 通接通,35 张工单:35。", "35 answered calls, 35 orders: 35."),
        left_out=("未接来电的工单。", "Orders of missed calls."),
    ),
    Metric(
        "alerts",
        ("告警量", "alerts"),
        ("预警、超时与升级通知的次数", "warnings, breaches and escalations raised"),
        "count",
        ("alerts",),
        rests_on="alerts",
        source="ours: the alarm load per seat and shift",
        example=("一次保持先预警后超时:2。", "One hold that warned and broke: 2."),
        left_out=("解除通知。", "Notices that an alert is over."),
    ),
    Metric(
        "legs_estimated",
        ("估算通数", "estimated legs"),
        ("时间由快照重建的通话段", "legs with a time rebuilt from a snapshot"),
        "count",
        ("legs_estimated",),
        source="product rules, section 3: named apart",
        example=("1 段在重连时发现:1。", "One was found when the link came back: 1."),
    ),
    Metric(
        "legs_gap",
        ("断线通数", "legs in a gap"),
        ("期间连接曾中断的通话段", "legs during which the link was down"),
        "count",
        ("legs_gap",),
        source="product rules, section 3: named apart",
        example=("断线时有 4 段通话:4。", "4 legs were open when the link broke: 4."),
    ),
)
