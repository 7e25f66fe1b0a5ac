"""The metrics of a call centre: one row for each, with its formula, in named sums. Pure.

:mod:`agentd.core.metrics` computes by these rows; ``docs/metrics.md``, the hovers of the pages and
``GET /api/metrics`` are read off them. The formulas are those of the product rules, section 3.
"""

from __future__ import annotations

from typing import Final, get_args

from agentd.core.effects import Rule
from agentd.core.metric_row import KINDS, Metric, ScopeKind
from agentd.core.metric_rows_stays import STAYS
from agentd.core.metric_rows_work import WORK

RULES: Final[tuple[Rule, ...]] = get_args(Rule)

_NOT_JUDGED = (
    "估算的和断线期间的通话不参与判定,另行列出。",
    "Legs that were estimated or seen only in part (a gap) are not judged; they are counted apart.",
)
_RULE_NAMES: Final[dict[Rule, tuple[str, str]]] = {
    "ring": ("两声接起", "ring (R1)"),
    "hold": ("保持时限", "hold (R2)"),
    "hold_sum": ("保持总时长", "sum of holds (R2)"),
    "consult": ("咨询等待", "consultation (R2)"),
    "park": ("驻留", "parking (R2)"),
    "hangup_order": ("先挂机", "who hangs up first (R3)"),
    "work_order": ("工单时限", "work order in time (R4)"),
    "urgent": ("急件", "urgent orders (R4)"),
}
_RULE_LEGS: Final[dict[Rule, tuple[str, str]]] = {
    "ring": (
        "按「两声接起率」的口径,加上被判定违规的其他通话段",
        "those of the within-rings rate, and any other leg that was charged",
    ),
    "hold": ("接通的客户通话段,含呼出", "answered legs of customers, calls made included"),
    "hold_sum": ("接通的客户通话段,限额已启用", "the same, where the limit is on"),
    "consult": ("接通的客户通话段,限额已启用", "the same, where the limit is on"),
    "park": ("接通的客户通话段,含呼出", "answered legs of customers, calls made included"),
    "hangup_order": (
        "接通的来电段,座席可先挂机的队列除外,谁先挂机不明的除外",
        (
            "answered inbound legs, without queues where the agent may end, and without those of which "
            "nobody can say who ended them"
        ),
    ),
    "work_order": (
        "已完成或已到期的工单(按建立时刻计)",
        "orders that are complete or were overdue (they count when they were opened)",
    ),
    "urgent": ("不判定违规", "nobody is charged"),
}


def _compliance(rule: Rule) -> Metric:
    zh, en = _RULE_NAMES[rule]
    legs_zh, legs_en = _RULE_LEGS[rule]
    return Metric(
        f"compliance:{rule}",
        (f"规则达标率:{zh}", f"compliance: {en}"),
        (
            f"没有成立违规的 / 参与判定的({legs_zh})",
            f"without a standing violation / judged ({legs_en})",
        ),
        "share",
        (f"judged:{rule}", f"-broken:{rule}"),
        (f"judged:{rule}",),
        rests_on="orders" if rule == "work_order" else "legs",
        example=(
            "判定 50,违规 2,其中 1 个申诉成立:49 / 50 = 98 %。",
            "50 judged, 2 violations, 1 of them granted on appeal: 49 / 50 = 98 %.",
        ),
        left_out=_NOT_JUDGED,
    )


COMPLIANCE: Final[tuple[Metric, ...]] = tuple(
    _compliance(rule) for rule in RULES if rule != "urgent"
)
TABLE: Final[tuple[Metric, ...]] = (*STAYS, *WORK, *COMPLIANCE)
BY_KEY: Final[dict[str, Metric]] = {row.key: row for row in TABLE}


def rows_for(kind: ScopeKind) -> tuple[Metric, ...]:
    """The rows that are defined for scopes of this kind, in the order of the table."""
    return _FOR[kind]


_FOR: Final[dict[ScopeKind, tuple[Metric, ...]]] = {
    kind: tuple(row for row in TABLE if kind in row.kinds) for kind in KINDS
}
