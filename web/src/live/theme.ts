import { computed, effect, signal } from "@preact/signals";
import { remember, remembered } from "./remember";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "agentd.theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

/** What the person chose; `auto` follows the system. */
export const theme = signal<Theme>(THEMES.find((name) => name === remembered(KEY)) ?? "auto");

const shown = computed(() => {
  if (theme.value !== "auto") return theme.value;
  return systemIsDark.value ? "dark" : "light";
});

/** From system to light to dark and round again. */
export function nextTheme(): void {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
  theme.value = next;
  remember(KEY, next);
}

export function followTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = shown.value;
  });
}
