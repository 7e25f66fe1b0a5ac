"""How the wallboard and the big screen are read: everything on them that holds a digit."""

from __future__ import annotations

# Everything on the page that holds a digit, by the place where it stands. What stands nowhere that
# is known here is `unknown`: a new figure must be added to this test.
READ = r"""
() => {
  const text = (node) => (node?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const own = (node) => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll('.unseen').forEach((hidden) => hidden.remove());
    return text(copy);
  };
  const figure = (node) => ({
    value: text(node.querySelector('b')),
    why: text(node.querySelector(':scope > .unseen:last-child')),
    gap: node.querySelector('b svg') !== null,
  });
  const counts = (box) => Object.fromEntries([...box.querySelectorAll(':scope > li')].map(
    (li) => [li.dataset.state, Number(text(li.querySelector('b')))]));
  const known = [
    '.health-item', '.feed', '.now', '.notices', '.account', '.nav', '.pages', '.controls',
    '.queues-top', '.queue-name', '.waiting', '.longest', '.level', '.callers', '.queue-counts',
    '.seats-top', '.group-name', '.tile', '.counts', '.card[data-trouble]', '.lane .more',
    '.alerts-top', '.alert[data-alert]', '.alerts .unseen', '.alert-more',
  ];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const unknown = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (/\d/.test(node.data) && parent.closest('script, style') === null &&
        !known.some((place) => parent.closest(place) !== null)) {
      unknown.push(`${parent.closest('[class]')?.className}: ${node.data}`);
    }
  }
  return {
    at: Date.now() / 1000,
    unknown,
    title: document.title,
    stale: document.querySelector('.app').dataset.stale,
    link: text(document.querySelector('.health-item')),
    health: [...document.querySelectorAll('.health-more')].map(own),
    gaps: text(document.querySelector('.feed-gaps')),
    notices: text(document.querySelector('.notices > button')),
    queueTotal: Number(text(document.querySelector('.queues-top h2 .faint'))),
    queues: Object.fromEntries([...document.querySelectorAll('.queue')].map((card) => [
      card.dataset.queue,
      {
        waiting: Number(text(card.querySelector('.waiting b'))),
        longest: text(card.querySelector('.longest b')),
        level: figure(card.querySelector('.level')),
        callers: [...card.querySelectorAll('.callers-first .caller')].map((caller) => [
          text(caller.querySelector('.caller-number')), text(caller.querySelector('b'))]),
        more: text(card.querySelector('.callers-more')),
        figures: Object.fromEntries([...card.querySelectorAll('.queue-counts a')].map((one) => [
          new URL(one.href).searchParams.get('metric'), {
            ...figure(one), window: new URL(one.href).searchParams.get('window'),
            before: [...one.querySelectorAll('.before span')].map((s) => text(s).split(' ').pop()),
          }])),
        numbers: [...card.querySelectorAll('.queue-counts .figure')].length,
      }])),
    seatTotal: Number(text(document.querySelector('.seats-top h2 .faint'))),
    counts: [...document.querySelectorAll('.counts')].map(counts),
    groups: [...document.querySelectorAll('.group-name')].map(own),
    seats: Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) => [
      tile.dataset.seat.split('/').slice(1).join('/'), {
        state: tile.dataset.state, strength: tile.dataset.strength,
        label: text(tile.querySelector('.tile-label')),
        person: text(tile.querySelector('.tile-person')),
        time: text(tile.querySelector('.tile-time')),
        texts: [...tile.querySelectorAll('.tile-text')].map(text),
        owed: text(tile.querySelector('.tile-owed b')),
        due: text(tile.querySelector('.tile-due')),
        described: tile.getAttribute('aria-label'),
      }])),
    trouble: Object.fromEntries([...document.querySelectorAll('[data-trouble]')].map((card) => [
      card.dataset.trouble.split('/').slice(1).join('/'), {
        strength: card.dataset.strength, rule: text(card.querySelector('.card-rule')),
        against: text(card.querySelector('.card-against')),
        who: text(card.querySelector('.card-who')),
        time: text(card.querySelector('.card-time')), over: text(card.querySelector('.card-over')),
      }])),
    troubleMore: text(document.querySelector('.lane .more')),
    active: text(document.querySelector('.active-count')),
    alerts: [...document.querySelectorAll('.alert')].map((row) => ({
      strength: row.dataset.strength, cleared: row.dataset.cleared,
      rule: text(row.querySelector('.alert-rule')), level: text(row.querySelector('.alert-level')),
      who: text(row.querySelector('.alert-who')), value: text(row.querySelector('.alert-value')),
      at: text(row.querySelector('time')), clearedAt: text(row.querySelector('.alert-cleared')),
    })),
    earlier: text(document.querySelector('.alert-more')),
  };
}
"""
READ_WALL = r"""
() => {
  const text = (node) => (node?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const known = [
    '.wall-now', '.wall-table thead', '.wall-value', '.wall-counts', '.wall-trouble',
  ];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const unknown = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (/\d/.test(walker.currentNode.data) && parent.closest('script, style') === null &&
        !known.some((place) => parent.closest(place) !== null)) {
      unknown.push(`${parent.closest('[class]')?.className}: ${walker.currentNode.data}`);
    }
  }
  return {
    at: Date.now() / 1000, unknown,
    head: [...document.querySelectorAll('.wall-table thead th')].map(text),
    rows: Object.fromEntries([...document.querySelectorAll('.wall-table tbody tr')].map((row) => [
      text(row.querySelector('.wall-name')), [...row.querySelectorAll('td')].map((cell) => ({
        text: text(cell), gap: cell.querySelector('.wall-gap') !== null}))])),
    counts: Object.fromEntries([...document.querySelectorAll('.wall-counts > div')].map((one) => [
      one.dataset.state, Number(text(one.querySelector('dd')))])),
    trouble: text(document.querySelector('.wall-trouble h2')),
  };
}
"""
