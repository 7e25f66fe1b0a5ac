"""Write the generated part of docs/work-orders.md from the table of a work order's life;
`--check` only compares.

python tools/order_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from agentd.core.order_table import command_table, state_diagram, state_table

PAGE = Path(__file__).parent.parent / "docs" / "work-orders.md"
BEGIN = "<!-- generated from agentd/core/order_table.py by tools/order_docs.py -->"
END = "<!-- end of the generated part -->"


def rendered(page: str) -> str:
    """``page`` with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    body = (
        f"```mermaid\n{state_diagram()}\n```\n\n"
        f"### In which state which command\n\n{state_table()}\n\n"
        f"### Commands\n\n{command_table()}"
    )
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if rendered(page) == page:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"{PAGE.name} is older than the table; mend: python tools/order_docs.py")
    PAGE.write_text(rendered(page), encoding="utf-8")


if __name__ == "__main__":
    main()
