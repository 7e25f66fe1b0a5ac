// The form of the work orders, as configured; loaded once, and again when agentd says so.

import { signal } from "@preact/signals";
import { api } from "../api/client";
import type { CategorySpec, Form } from "../api/types";
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

/** The category's name, in the language shown. */
export function categoryName(key: string | null, queue: string | null): string {
  if (key === null) return common.value.noCategory;
  const spec = categoriesOf(form.value, queue).find((category) => category.key === key);
  return spec === undefined ? key : labelText(spec.label);
}
