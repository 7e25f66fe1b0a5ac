import { common } from "../i18n/common";
import { may } from "../live/session";

/** The pages of supervision, in the order of a day: what is now, what was. */
const PAGES = [
  { name: "board", href: "./", right: "board" },
  { name: "calls", href: "./calls", right: "board" },
  { name: "people", href: "./people", right: "board" },
  { name: "queues", href: "./queues", right: "board" },
  { name: "orders", href: "./orders", right: "orders.read" },
  { name: "reports", href: "./reports", right: "board" },
  { name: "alerts", href: "./alerts", right: "board" },
  { name: "wall", href: "./wall", right: "board" },
  { name: "settings", href: "./settings", right: "board" },
] as const;

export type SupervisionPage = (typeof PAGES)[number]["name"];

/** One bar on all pages of those who may see the board. */
export function PagesNav({ page }: { page: SupervisionPage }) {
  const c = common.value;
  if (!may("board")) return null;
  return (
    <nav class="pages-nav" aria-label={c.pages}>
      {PAGES.filter(({ right }) => may(right)).map(({ name, href }) => (
        <a key={name} href={href} aria-current={page === name ? "page" : undefined}>
          {c.nav[name]}
        </a>
      ))}
    </nav>
  );
}
