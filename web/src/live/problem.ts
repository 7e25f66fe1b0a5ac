import type { Problem } from "../api/client";
import type { Label, Missing } from "../api/types";
import { lang } from "../i18n";

/** What a refusal says, in the language shown. */
export function problemText(problem: Problem | Missing): string {
  return lang.value === "en" ? problem.text_en : problem.text_zh;
}

/** A configured label in the language shown. */
export function labelText(label: Label): string {
  return lang.value === "en" ? label.en || label.zh : label.zh || label.en;
}
