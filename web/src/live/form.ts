// The form of the work orders, as configured; loaded once, and again when agentd says so.

import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { CategorySpec, Form, OrderClock } from "../api/types";
import { common } from "../i18n/common";
import { labelText } from "./problem";

export const form = signal<Form | null>(null);

export async function loadForm(): Promise<void> {
  const answer = await api<Form>("form");
  if (answer.ok) form.value = answer.value;
}

/** The categories that an order of `queue` can have: the queue's own replace the common ones. */
export function categoriesOf(book: Form | null, queue: string | null): readonly CategorySpec[] {
  if (book === null) return [];
  const all = book.categories[""] ?? [];
  const own = queue === null || queue === "" ? [] : (book.categories[queue] ?? []);
  const known = new Set(all.map(({ key }) => key));
  return [
    ...all.map((spec) => own.find(({ key }) => key === spec.key) ?? spec),
    ...own.filter(({ key }) => !known.has(key)),
  ];
}

/** When an order is due and reminded of: by its queue and its seat's group, the nearest of both. */
export function orderClock(
  book: Form | null,
  order: { readonly pbx: string; readonly queue: string | null },
  group: string,
): OrderClock | null {
  const clocks = book?.order_clocks.filter(({ pbx }) => pbx === order.pbx) ?? [];
  const named = (names: readonly string[], name: string) => (names.includes(name) ? name : "");
  const queues = clocks.map(({ queue }) => queue);
  const groups = clocks.map((clock) => clock.group);
  const [queue, team] = [named(queues, order.queue ?? ""), named(groups, group)];
  return clocks.find((clock) => clock.queue === queue && clock.group === team) ?? null;
}

/**
 * Why a seat takes no calls, in the language shown: of the configured reasons, by key or by either
 * name (PBXs are told a name); what somebody wrote elsewhere stays as it is.
 */
export function pauseText(reason: string | null): string {
  if (reason === null || reason === "") return "";
  const known = form.value?.pauses.find(
    ({ key, label }) => key === reason || label.zh === reason || label.en === reason,
  );
  return known === undefined ? reason : labelText(known.label);
}

/** The category's name, in the language shown. */
export function categoryName(key: string | null, queue: string | null): string {
  if (key === null) return common.value.noCategory;
  const spec = categoriesOf(form.value, queue).find((category) => category.key === key);
  return spec === undefined ? key : labelText(spec.label);
}
