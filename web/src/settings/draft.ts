// One setting while it is edited: what agentd keeps, what the fields say, what is wrong with them.

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { api, type Problem } from "../api/client";
import { problemText } from "../live/problem";
import type { Fields, Read } from "./values";
import { settingsWords } from "./words";

/** GET /api/board/settings/{key} */
export interface Kept {
  readonly value: unknown;
  /** 0: nothing is kept yet. */
  readonly version: number;
  readonly by: string | null;
  readonly at: number | null;
  /** What holds where the value says nothing, as a value; null: nothing does. */
  readonly defaults: unknown;
}

export class Draft {
  readonly kept: Signal<Kept | null> = signal(null);
  readonly fields: Signal<Fields> = signal({});
  /** By field: what is wrong, in words. */
  readonly wrong: Signal<Readonly<Record<string, string>>> = signal({});
  readonly problem: Signal<Problem | null> = signal(null);
  /** What somebody else has kept meanwhile. */
  readonly conflict: Signal<Kept | null> = signal(null);
  readonly busy = signal(false);
  readonly saved = signal(false);
  readonly dirty: ReadonlySignal<boolean>;
  /** What holds where a field is empty. */
  readonly defaults: ReadonlySignal<Fields>;
  readonly key: string;
  readonly #write: (value: unknown) => Fields;
  readonly #read: (fields: Fields, before: unknown) => Read;

  constructor(
    key: string,
    write: (value: unknown) => Fields,
    read: (fields: Fields, before: unknown) => Read,
  ) {
    this.key = key;
    this.#write = write;
    this.#read = read;
    this.defaults = computed(() => {
      const defaults = this.kept.value?.defaults ?? null;
      return defaults === null ? {} : this.#write(defaults);
    });
    this.dirty = computed(() => {
      const kept = this.kept.value;
      if (kept === null) return false;
      const before = this.#write(kept.value);
      const now = this.fields.value;
      return [...Object.keys(before), ...Object.keys(now)].some(
        (name) => (before[name] ?? "") !== (now[name] ?? ""),
      );
    });
  }

  async #ask(): Promise<Kept | null> {
    const answer = await api<Kept>(`board/settings/${this.key}`);
    if (answer.ok) return answer.value;
    this.problem.value = answer.problem;
    return null;
  }

  #take(kept: Kept): void {
    batch(() => {
      this.kept.value = kept;
      this.fields.value = this.#write(kept.value);
      this.wrong.value = {};
      this.problem.value = null;
      this.conflict.value = null;
    });
  }

  /** Load what is kept. What somebody has typed stays; a newer version is told as a conflict. */
  async load(): Promise<void> {
    const found = await this.#ask();
    const before = this.kept.peek();
    // An answer that was overtaken by what was saved meanwhile says nothing.
    if (found === null || found.version <= (before?.version ?? -1)) return;
    if (this.busy.peek()) return;
    if (before !== null && this.dirty.peek()) this.conflict.value = found;
    else this.#take(found);
  }

  set(name: string, text: string): void {
    const { [name]: _, ...others } = this.wrong.peek();
    batch(() => {
      this.fields.value = { ...this.fields.peek(), [name]: text };
      this.wrong.value = others;
      this.saved.value = false;
    });
  }

  revert(): void {
    const kept = this.conflict.peek() ?? this.kept.peek();
    if (kept !== null) this.#take(kept);
  }

  /** Keep what the fields say, upon `version`. */
  async save(version = this.kept.peek()?.version ?? 0): Promise<void> {
    if (this.busy.peek()) return;
    const before = (this.conflict.peek() ?? this.kept.peek())?.value;
    const { value, wrong } = this.#read(this.fields.peek(), before);
    const words = settingsWords.peek().code;
    this.wrong.value = Object.fromEntries(
      Object.entries(wrong).map(([name, code]) => [name, words[code]]),
    );
    this.problem.value = null;
    this.saved.value = false;
    if (Object.keys(wrong).length > 0) {
      this.#goToWrong();
      return;
    }
    this.busy.value = true;
    const path = `board/settings/${this.key}`;
    const answer = await api<Kept>(path, { method: "PUT", body: { value }, version });
    if (!answer.ok && answer.problem.status === 412) this.conflict.value = await this.#ask();
    this.busy.value = false;
    if (answer.ok) {
      this.#take(answer.value);
      this.saved.value = true;
      return;
    }
    if (answer.problem.status === 412) return;
    this.#refused(answer.problem);
  }

  /** Say what is wrong at the fields that agentd names, and the rest above them. */
  #refused(problem: Problem): void {
    const named = problem.missing.map(
      (one) => [one.field.replace(/^value\./, ""), problemText(one)] as const,
    );
    this.wrong.value = Object.fromEntries(named);
    this.problem.value = named.length > 0 ? null : problem;
    this.#goToWrong();
  }

  #goToWrong(): void {
    const key = this.key;
    setTimeout(() => {
      document.querySelector<HTMLElement>(`[data-setting="${key}"] [aria-invalid="true"]`)?.focus();
    });
  }
}
