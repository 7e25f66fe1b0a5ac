import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { chooseLang, lang, messages } from "../i18n";
import { common } from "../i18n/common";
import { logOut, may, me, type Stuck } from "../live/session";
import { nextTheme, theme } from "../live/theme";
import { Icon } from "./icons";
import { LeaveDialog } from "./LeaveDialog";
import { PasswordDialog } from "./PasswordDialog";

const THEME_ICON = { auto: "system", light: "sun", dark: "moon" } as const;

export type PageName =
  | "board"
  | "desk"
  | "shift"
  | "alerts"
  | "wall"
  | "settings"
  | "calls"
  | "people"
  | "queues"
  | "orders"
  | "reports";

const PAGES: readonly {
  readonly name: PageName;
  readonly href: string;
  readonly right: Parameters<typeof may>[0];
}[] = [
  { name: "board", href: "./", right: "board" },
  { name: "desk", href: "./desk", right: "desk" },
  { name: "shift", href: "./shift", right: "shift" },
  { name: "calls", href: "./calls", right: "board" },
  { name: "people", href: "./people", right: "board" },
  { name: "queues", href: "./queues", right: "board" },
  { name: "orders", href: "./orders", right: "orders.read" },
  { name: "reports", href: "./reports", right: "desk" },
  { name: "reports", href: "./reports", right: "board" },
  { name: "alerts", href: "./alerts", right: "board" },
  { name: "settings", href: "./settings", right: "board" },
  { name: "wall", href: "./wall", right: "board" },
];

/** Appearance and language, as two small buttons. */
export function Appearance() {
  const t = messages.value;
  return (
    <>
      <button
        type="button"
        class="control"
        aria-label={t.theme[theme.value]}
        title={t.theme[theme.value]}
        onClick={nextTheme}
      >
        <Icon name={THEME_ICON[theme.value]} />
      </button>
      <button
        type="button"
        class="control"
        lang={lang.value === "en" ? "zh-CN" : "en"}
        aria-label={t.switchLanguage}
        title={t.switchLanguage}
        onClick={() => chooseLang(lang.value === "en" ? "zh-CN" : "en")}
      >
        {t.switchLanguageShort}
      </button>
    </>
  );
}

/** Who is logged in, the other pages that they may open, and the way out. */
export function Account({ page }: { page: PageName }) {
  const c = common.value;
  const who = me.value;
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const password = useSignal(false);
  const stuck = useSignal<Stuck | null>(null);
  const leave = async (regardless: boolean) => {
    stuck.value = await logOut(regardless);
  };
  useEffect(() => {
    const away = (event: Event) => {
      const escaped = event instanceof KeyboardEvent && event.key === "Escape";
      const outside =
        event instanceof PointerEvent && !box.current?.contains(event.target as Node | null);
      if (escaped || outside) open.value = false;
    };
    addEventListener("keydown", away);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", away);
      removeEventListener("pointerdown", away);
    };
  }, [open]);
  if (who === null) return null;
  const mine = PAGES.filter(({ name, right }) => name !== page && may(right));
  // Some are open to several rights.
  const links = mine.filter(({ name }, n) => mine.findIndex((one) => one.name === name) === n);
  return (
    <div class="account" ref={box}>
      <button
        type="button"
        class="control account-name"
        aria-expanded={open.value}
        aria-controls="account"
        title={c.account}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name="person" />
        {who.name}
      </button>
      <div id="account" class="panel account-panel" hidden={!open.value}>
        <p class="account-who">
          <strong>{who.name}</strong>
          {c.loggedInAs(who.login, c.role[who.role])}
        </p>
        {links.length > 0 && (
          <nav aria-label={c.pages}>
            {links.map(({ name, href }) => (
              <a key={name} class="menu-item" href={href}>
                {c.nav[name]}
              </a>
            ))}
          </nav>
        )}
        <button
          type="button"
          class="menu-item"
          data-does="password"
          onClick={() => {
            open.value = false;
            password.value = true;
          }}
        >
          <Icon name="person" />
          {c.password.change}
        </button>
        <button
          type="button"
          class="menu-item"
          data-does="log_out"
          onClick={() => void leave(false)}
        >
          <Icon name="logged_out" />
          {c.logOut}
        </button>
      </div>
      {password.value && (
        <PasswordDialog
          onClose={() => {
            password.value = false;
          }}
        />
      )}
      {stuck.value !== null && (
        <LeaveDialog
          stuck={stuck.value}
          onLeave={leave}
          onClose={() => {
            stuck.value = null;
          }}
        />
      )}
    </div>
  );
}
