// The standard phrases that fit: by moment, queue and category, with the names put in.

import type { Phrase } from "../api/types";

export interface Names {
  readonly login: string;
  readonly queue: string;
}

/** Whether a phrase is meant for calls of `queue` (null: no call at hand). */
export function fits(phrase: Phrase, queue: string | null): boolean {
  return phrase.queues.length === 0 || (queue !== null && phrase.queues.includes(queue));
}

/**
 * The phrase for a situation: one that is meant for the queue or the category goes before one that
 * is meant for all; null when the site has none.
 */
export function phraseFor(
  phrases: readonly Phrase[],
  situation: string,
  queue: string | null,
  category: string,
): Phrase | null {
  const fitting = phrases.filter(
    (phrase) =>
      phrase.situation === situation &&
      fits(phrase, queue) &&
      (phrase.category === "" || phrase.category === category),
  );
  const own = (phrase: Phrase) => (phrase.category === "" ? 0 : 2) + (phrase.queues.length ? 1 : 0);
  return fitting.reduce<Phrase | null>(
    (best, phrase) => (best === null || own(phrase) > own(best) ? phrase : best),
    null,
  );
}

/** The words with the agent's number and the queue's name in place. */
export function spoken(text: string, names: Names): string {
  return text.replaceAll("{login}", names.login).replaceAll("{queue}", names.queue);
}
