"""The seat's diagram in the documentation is that of the table."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_states_page_shows_the_table_as_it_is() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from state_docs import PAGE, rendered
    finally:
        sys.path.pop(0)
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page) == page, "mend: python tools/state_docs.py"
    assert "stateDiagram-v2" in page
