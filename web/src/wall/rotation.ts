// Which picture a wall shows. Pure.

/** One picture: some queues together, or one of them. */
export type Slide =
  | { readonly kind: "overview"; readonly keys: readonly string[]; readonly page: number }
  | { readonly kind: "queue"; readonly key: string };

/** How many queues one picture holds. */
export const ROWS = 6;

/** The queues that are shown, of all `keys` on the board, in the order that was set. */
export function chosen(keys: readonly string[], wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return keys;
  const named = (name: string) =>
    keys.find((key) => key === `queue:${name}` || key.endsWith(`/${name}`));
  return wanted.map(named).filter((key): key is string => key !== undefined);
}

/** All pictures in their order: all queues together, then each. */
export function slidesOf(keys: readonly string[], overview: boolean): readonly Slide[] {
  const each = keys.map((key): Slide => ({ kind: "queue", key }));
  if (keys.length < 2 || !overview) return each;
  const pages: Slide[] = [];
  for (let first = 0; first < keys.length; first += ROWS)
    pages.push({ kind: "overview", keys: keys.slice(first, first + ROWS), page: first / ROWS });
  return [...pages, ...each];
}

/** What tells one picture from the others. */
export function nameOf(slide: Slide): string {
  return slide.kind === "queue" ? slide.key : `overview ${slide.page}`;
}

/**
 * Which of `names` comes after `shown`; where that is gone, whichever stands in its place (`at`).
 * Trouble may reorder the pictures at any time, and none is shown twice in a row for it.
 */
export function after(names: readonly string[], shown: string | null, at: number): number {
  if (names.length === 0) return 0;
  const known = shown === null ? -1 : names.indexOf(shown);
  if (known >= 0) return (known + 1) % names.length;
  return shown === null ? 0 : at % names.length;
}
