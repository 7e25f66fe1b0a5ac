"""Write the generated part of docs/metrics.md from the table of metrics; `--check` only compares.

python tools/metric_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from agentd.core.metric_row import KINDS, Metric
from agentd.core.metric_table import TABLE

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
BEGIN = "<!-- generated from agentd/core/metric_table.py by tools/metric_docs.py -->"
END = "<!-- end of the generated part -->"
UNITS = {
    "count": ("件数", "a count"),
    "share": ("比例", "a share"),
    "seconds": ("秒", "seconds"),
    "per_hour": ("每小时", "per hour"),
}
KIND_NAMES = {
    "site": "全站 site",
    "queue": "队列 queue",
    "seat": "座席 seat",
    "person": "人员 person",
    "team": "班组 team",
}


def _sums(names: tuple[str, ...]) -> str:
    return " ".join(f"− `{n[1:]}`" if n[0] == "-" else f"+ `{n}`" for n in names)[2:]


def _row(row: Metric) -> str:
    (zh, en), (formula_zh, formula_en) = row.name, row.formula
    unit_zh, unit_en = UNITS[row.unit]
    sums = _sums(row.num) + (f" / ({_sums(row.den)})" if row.den else "")
    lines = [
        f"### {zh} · {en}",
        "",
        f"`{row.key}` · {unit_zh} {unit_en} · " + ", ".join(KIND_NAMES[k] for k in row.kinds),
        "",
        f"- **公式** {formula_zh}",
        f"- **Formula** {formula_en}",
        f"- **Sums** {sums}",
        f"- **例** {row.example[0]}",
        f"- **Example** {row.example[1]}",
    ]
    if row.left_out[0]:
        lines += [f"- **不计入** {row.left_out[0]}", f"- **Left out** {row.left_out[1]}"]
    lines.append(f"- **Source** {row.source}")
    return "\n".join(lines)


def body() -> str:
    """All rows, after a list of them."""
    listed = [
        "| | 指标 | metric | 公式 formula |",
        "|---|---|---|---|",
        *(f"| `{r.key}` | {r.name[0]} | {r.name[1]} | {'<br>'.join(r.formula)} |" for r in TABLE),
    ]
    assert set(KIND_NAMES) == set(KINDS)
    return "\n".join(listed) + "\n\n" + "\n\n".join(_row(row) for row in TABLE)


def rendered(page: str) -> str:
    """``page`` with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{body()}\n\n{END}{after}"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if rendered(page) == page:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"{PAGE.name} is older than the table; mend: python tools/metric_docs.py")
    PAGE.write_text(rendered(page), encoding="utf-8")


if __name__ == "__main__":
    main()
