import { common } from "../i18n/common";
import { may } from "../live/session";

/** The pages of supervision, in the order of a day: what is now, what was. */
const PAGES = [
  { name: "board", href: "./" },
  { name: "calls", href: "./calls" },
  { name: "people", href: "./people" },
  { name: "queues", href: "./queues" },
  { name: "orders", href: "./orders" },
  { name: "alerts", href: "./alerts" },
  { name: "wall", href: "./wall" },
] as const;

export type SupervisionPage = (typeof PAGES)[number]["name"];

/** One bar on all pages of those who may see the board. */
export function PagesNav({ page }: { page: SupervisionPage }) {
  const c = common.value;
  if (!may("board")) return null;
  return (
    <nav class="pages-nav" aria-label={c.pages}>
      {PAGES.map(({ name, href }) => (
        <a key={name} href={href} aria-current={page === name ? "page" : undefined}>
          {c.nav[name]}
        </a>
      ))}
    </nav>
  );
}
