"""How the words of an order are found again: text to tokens, for the store's full-text table.

Chinese has no spaces, so each of its characters is a token of its own and a word of any length is
looked for as a phrase of them; words of letters and digits are tokens, found by their beginning.
"""

from __future__ import annotations

import re
import unicodedata

from agentd.core.order_model import WorkOrder

_WORDS_MAX = 16
"""Words of one search that are looked at; nobody types more."""

# Scripts that write without spaces: Han (all its planes), kana, bopomofo, Hangul; 々 and 〇, too.
_SINGLE = (
    "\u3005-\u3007\u3040-\u312f\u3131-\u318f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")
_PIECE = re.compile(rf"(?:[{_SINGLE}]|[^\W_{_SINGLE}])+")


def _plain(text: str) -> str:
    """Full width as half width, small letters, no accents."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


def index_words(order: WorkOrder) -> str:
    """The tokens of ``order``'s title, fields and foreign number, as the full-text table takes
    them. A line between the texts keeps a phrase from reaching from one into the next."""
    texts = (order.title, *order.fields.values(), order.external_no)
    return " \x1f ".join(" ".join(_TOKEN.findall(_plain(text))) for text in texts if text)


def match_words(text: str) -> str | None:
    """The full-text query for what a person typed: every word must occur; None where nothing in
    ``text`` can be looked for."""
    phrases = []
    for piece in _PIECE.findall(_plain(text))[:_WORDS_MAX]:
        tokens = _TOKEN.findall(piece)
        beginning = "" if re.match(f"[{_SINGLE}]", tokens[-1]) else " *"
        phrases.append(f'"{" ".join(tokens)}"{beginning}')
    return " ".join(phrases) or None
