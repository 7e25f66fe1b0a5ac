"""What has to hold of every page in every state: nothing serious for axe-core, no words of the
other language, nothing that only a mouse reaches, no sideways scrolling, no motion for who wants
none.

Each check returns what is wrong, one line each; an empty list is good.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
BAD = ("serious", "critical")

# --- accessibility -----------------------------------------------------------------------------


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


async def bring_axe(page: Page) -> None:
    """Have axe-core in every document that ``page`` shows from now on."""
    # As a script of the page it would be refused by our own content security policy.
    await page.add_init_script(f"{_axe()};")


async def axe_faults(
    page: Page, *, within: str | None = None, only: Sequence[str] = ()
) -> list[str]:
    """Serious and critical violations of WCAG 2.1 A and AA; ``only`` of these rules, ``within``
    this selector."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    options["runOnly"] = (
        {"type": "rule", "values": list(only)} if only else {"type": "tag", "values": list(TAGS)}
    )
    found = await page.evaluate(
        """async ([within, options]) =>
             (await axe.run(within ?? document, options)).violations.map(v => ({
               id: v.id, impact: v.impact,
               nodes: v.nodes.map(n => `${n.html.slice(0, 160)} — ${n.failureSummary}`),
             }))""",
        [within, options],
    )
    return [
        f"axe {one['id']} ({one['impact']}, {len(one['nodes'])}): {' '.join(node.split())[:420]}"
        for one in found
        if one["impact"] in BAD
        for node in one["nodes"][:3]
    ]


# --- words -------------------------------------------------------------------------------------

_TEXTS = """() => {
  const found = new Set([document.title]);
  const foreign = (element) => {
    const marked = element.closest('[lang]');
    return marked !== null && marked !== document.documentElement
      && marked.lang !== document.documentElement.lang;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node !== null; node = walk.nextNode()) {
    const inside = node.parentElement;
    if (inside.closest('noscript, script, style, kbd, code, textarea') || foreign(inside)) continue;
    found.add(node.textContent);
  }
  for (const element of document.body.querySelectorAll('*')) {
    if (foreign(element)) continue;
    for (const name of ['aria-label', 'aria-description', 'aria-valuetext', 'aria-roledescription',
                        'title', 'placeholder', 'alt', 'label', 'data-tip'])
      if (element.hasAttribute(name)) found.add(element.getAttribute(name));
    if (element instanceof HTMLInputElement && /^(button|submit|reset)$/.test(element.type))
      found.add(element.value);
  }
  return [...found].map(text => text.trim()).filter(text => text !== '');
}"""
_CJK = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef][^A-Za-z<>]*")
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’-]*[A-Za-z]")


def _without(text: str, data: Iterable[str]) -> str:
    for known in data:
        text = text.replace(known, " ")
    return text


async def untranslated(
    page: Page, lang: str, *, data: Sequence[str], terms: frozenset[str]
) -> list[str]:
    """Texts of the other language: read, heard, or shown as a tip.

    ``data``: what people and the PBX have named. ``terms``: what a Chinese page says in Latin
    letters, in small letters.
    """
    known = sorted(data, key=len, reverse=True)
    faults = []
    for text in await page.evaluate(_TEXTS):
        rest = _without(text, known)
        if lang == "en":
            left = [found.strip() for found in _CJK.findall(rest)]
        else:
            left = [word for word in _ENGLISH.findall(rest) if word.lower() not in terms]
        if left:
            faults.append(f"not in {lang}: {left[:3]} in {text[:120]!r}")
    return faults


# --- the keyboard ------------------------------------------------------------------------------

NOTE_LISTENERS = """(() => {
  const add = EventTarget.prototype.addEventListener;
  window.__pressable = new WeakSet();
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'click' && this instanceof Element) window.__pressable.add(this);
    return add.call(this, type, ...rest);
  };
})();"""
"""Before anything else runs in the page: remember what hears clicks."""

_SHARED = """
  const PRESSED = 'a[href], button, input, select, textarea, summary, audio[controls]';
  const seen = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest('[inert]');
  const named = (e) => `${e.tagName.toLowerCase()}.${e.className || ''} ` +
    `${(e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 40)}`;
"""

_MOUSE_ONLY = (
    """() => {"""
    + _SHARED
    + """
  return [...document.body.querySelectorAll('*')]
    .filter(e => window.__pressable.has(e) && seen(e))
    // A chart's frame listens only to swallow the clicks that end a drag.
    .filter(e => !e.matches(PRESSED + ', label, form, [tabindex], .u-wrap'))
    .filter(e => e.querySelector(PRESSED + ', [tabindex]') === null)
    .map(named);
}"""
)

_STOPS = (
    """() => {"""
    + _SHARED
    + """
  const groups = new Set();
  let number = 0;
  return [...document.body.querySelectorAll(PRESSED + ', [tabindex="0"]')]
    .filter(e => seen(e) && !e.matches(':disabled') && e.tabIndex >= 0)
    .filter(e => {
      // One stop for all radio buttons of a name.
      if (!(e instanceof HTMLInputElement) || e.type !== 'radio') return true;
      const first = !groups.has(e.name);
      groups.add(e.name);
      return first;
    })
    .map(e => { e.dataset.stop = `${++number}`; return [`${number}`, named(e)]; });
}"""
)

_FOCUSED = (
    """() => {"""
    + _SHARED
    + """
  const e = document.activeElement;
  if (e === null || e === document.body) return null;
  const drawn = (one, pseudo) => {
    if (one === null) return false;
    const style = getComputedStyle(one, pseudo);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1)
      || style.boxShadow !== 'none';
  };
  // A box may be drawn by its label, a round button by its group, a player by the browser.
  const shown = drawn(e) || drawn(e, '::after') || drawn(e.closest('label'))
    || drawn(e.parentElement) || e instanceof HTMLMediaElement
    || (e.id !== '' && drawn(document.querySelector(`label[for="${CSS.escape(e.id)}"]`)));
  const radio = e instanceof HTMLInputElement && e.type === 'radio' && !e.dataset.stop
    ? document.querySelector(`input[type=radio][name="${CSS.escape(e.name)}"][data-stop]`) : null;
  return {stop: e.dataset.stop ?? radio?.dataset.stop ?? null, shown, name: named(e)};
}"""
)


_FROM_THE_START = """() => {
  document.activeElement?.blur();
  const start = document.createElement('span');
  start.tabIndex = -1;
  document.body.prepend(start);
  start.focus();
  start.remove();
}"""


async def keyboard_faults(page: Page, *, most: int = 600) -> list[str]:
    """What the Tab key does not reach, and where nothing shows that the focus is there."""
    faults = [f"only a mouse can press {name}" for name in await page.evaluate(_MOUSE_ONLY)]
    stops = dict(await page.evaluate(_STOPS))
    reached: set[str] = set()
    unseen: set[str] = set()
    await page.evaluate(_FROM_THE_START)
    first = before = None
    for _ in range(most):
        await page.keyboard.press("Tab")
        at = await page.evaluate(_FOCUSED)
        # A date is several stops of one element; back at the first one, it has gone round.
        if at is None or (at["stop"] == first and before != first):
            break
        before = at["stop"]
        first = first or before
        reached.add(before)
        if not at["shown"]:
            unseen.add(at["name"])
    faults += [f"the focus is not seen at {name}" for name in sorted(unseen)]
    faults += [f"Tab does not reach {name}" for stop, name in stops.items() if stop not in reached]
    await page.evaluate("document.activeElement?.blur()")
    return faults


# --- room and motion ---------------------------------------------------------------------------


async def width_faults(page: Page, widths: Sequence[int]) -> list[str]:
    """Widths at which the page scrolls sideways; leaves it as wide as it was."""
    before = page.viewport_size
    assert before is not None
    faults = []
    for width in widths:
        await page.set_viewport_size({"width": width, "height": before["height"]})
        wide = await page.evaluate(
            """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
                 const {scrollWidth} = document.documentElement;
                 const out = scrollWidth <= innerWidth ? [] :
                   [...document.querySelectorAll('body *')]
                     .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
                     .filter(e => {
                       let at = e.parentElement;
                       while (at !== null && getComputedStyle(at).overflowX === 'visible')
                         at = at.parentElement;
                       return at === null || at === document.documentElement;
                     })
                     .map(e => `${e.tagName.toLowerCase()}.${e.className}`).slice(0, 4);
                 done([scrollWidth, out]);
               })))"""
        )
        if wide[0] > width:
            faults.append(f"{wide[0]} px wide at {width}: {json.dumps(wide[1])}")
    await page.set_viewport_size(before)
    return faults


async def motion_faults(page: Page) -> list[str]:
    """Animations that run although the person wants none; the page must be told so before."""
    return list(
        await page.evaluate(
            """() => document.getAnimations()
                 .filter(a => a.playState === 'running' && a.effect.getTiming().duration > 1)
                 .map(a => `moves: ${a.animationName ?? a.transitionProperty} of `
                   + a.effect.target?.className)"""
        )
    )
