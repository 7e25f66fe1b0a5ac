// Texts that were typed and not sent, as the account's settings keep them between two logins. Pure.

export type Settings = Readonly<Record<string, unknown>>;
export type Aside = Readonly<Record<string, string>>;

/** What the settings keep; anything else that stands there is nobody's text. */
export function keptAside(settings: Settings): Aside {
  const { drafts } = settings;
  if (typeof drafts !== "object" || drafts === null || Array.isArray(drafts)) return {};
  const texts = Object.entries(drafts).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "",
  );
  return Object.fromEntries(texts);
}

/** The settings with `texts` kept in place of those before; empty ones are forgotten. */
export function putAside(settings: Settings, texts: Aside): Settings {
  const kept = Object.entries(texts).filter(([, text]) => text !== "");
  return { ...settings, drafts: Object.fromEntries(kept) };
}
