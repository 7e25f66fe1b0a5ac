import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { remember, remembered } from "../live/remember";
import { en } from "./en";
import { zhCN } from "./zh-CN";

type Widen<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Widen<T[K]> };

/** What every language must say: a key that is missing or left over does not compile. */
export type MessagesLike<T> = Widen<T>;
export type Messages = MessagesLike<typeof zhCN>;

const MESSAGES = { "zh-CN": zhCN, en } satisfies Record<string, Messages>;
export type Lang = keyof typeof MESSAGES;

const KEY = "agentd.lang";

/** The language that a tag such as `zh`, `zh-TW` or `en-GB` asks for; null for none of ours. */
export function langOf(tag: string | null): Lang | null {
  const primary = tag?.toLowerCase().split(/[-_]/)[0];
  if (primary === "zh") return "zh-CN";
  return primary === "en" ? "en" : null;
}

const chosen = signal<Lang | null>(langOf(remembered(KEY)));
const offered = signal<Lang>("zh-CN");

/** The language shown: the person's choice, else agentd's default. */
export const lang = computed<Lang>(() => chosen.value ?? offered.value);
export const messages = computed<Messages>(() => MESSAGES[lang.value]);

/** The words of one page or part, in the language shown; the Chinese ones say which there are. */
export function catalogue<T extends object>(
  zh: T,
  english: MessagesLike<T>,
): ReadonlySignal<MessagesLike<T>> {
  const chinese: MessagesLike<T> = zh as unknown as MessagesLike<T>;
  return computed(() => (lang.value === "en" ? english : chinese));
}

/** agentd's default language, from its `hello`. */
export function offerLang(tag: string): void {
  offered.value = langOf(tag) ?? offered.value;
}

/** The person's choice; kept for the next visit. */
export function chooseLang(choice: Lang): void {
  chosen.value = choice;
  remember(KEY, choice);
}

/** Keep the document's language in step, for screen readers and for the choice of glyphs. */
export function followLang(): void {
  effect(() => {
    document.documentElement.lang = lang.value;
  });
}
