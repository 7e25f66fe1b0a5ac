"""Write the generated part of docs/states.md from the seat's table; `--check` only compares.

python tools/state_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from agentd.core.seat import state_diagram, state_table

PAGE = Path(__file__).parent.parent / "docs" / "states.md"
BEGIN = "<!-- generated from agentd/core/seat.py by tools/state_docs.py -->"
END = "<!-- end of the generated part -->"


def rendered(page: str) -> str:
    """``page`` with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    body = f"{state_table()}\n\n```mermaid\n{state_diagram()}\n```"
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if rendered(page) == page:
        return
    if "--check" in sys.argv[1:]:
        sys.exit(f"{PAGE.name} is older than the seat's table; mend: python tools/state_docs.py")
    PAGE.write_text(rendered(page), encoding="utf-8")


if __name__ == "__main__":
    main()
