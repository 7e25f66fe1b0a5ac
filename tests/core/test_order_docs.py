"""The page about work orders is that of the table; the table is whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from agentd.core.order_model import PersonCommand, SystemCommand
from agentd.core.order_table import ACTS, STATES, SYSTEM
from agentd.core.order_words import COMMAND_WORDS, STATE_WORDS
from agentd.core.workorder import tag_of

ROOT = Path(__file__).parent.parent.parent


def test_the_page_shows_the_table_as_it_is() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from order_docs import PAGE, rendered
    finally:
        sys.path.pop(0)
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page) == page, "mend: python tools/order_docs.py"
    assert "stateDiagram-v2" in page


def test_every_command_and_every_state_has_its_rows_and_words() -> None:
    tags = {tag_of(command) for command in get_args(PersonCommand)}
    assert {act.do for act in ACTS} == tags
    assert {tag_of(command) for command in get_args(SystemCommand)} == set(SYSTEM)
    assert set(COMMAND_WORDS) == tags | set(SYSTEM)
    assert set(STATE_WORDS) == set(STATES)
    assert {state for act in ACTS for state in act.states} == set(STATES) - {"merged"}
