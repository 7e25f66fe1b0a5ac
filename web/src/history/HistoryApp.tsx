import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { may, me } from "../live/session";
import { FloatingNote } from "../ui/floating";
import { PageHeader } from "../ui/PageHeader";
import { PagesNav } from "../ui/PagesNav";
import { CallPage } from "./CallPage";
import { CallsPage } from "./CallsPage";
import { callOf } from "./filters";
import { OrdersView } from "./OrdersView";
import { PeoplePage } from "./PeoplePage";
import { place } from "./place";
import { QueuesPage } from "./QueuesPage";
import { historyWords } from "./words";

export function HistoryApp() {
  const { page, query } = place.value;
  const t = historyWords.value;
  const call = page === "calls" ? callOf(query.call) : null;
  const what = call?.join("/") ?? query.login ?? query.seat ?? query.name ?? query.id ?? "";
  useEffect(() => {
    const named = what === "" ? t.title[page] : `${what} · ${t.title[page]}`;
    document.title = `${named} · agentd`;
  }, [what, page, t]);
  if (me.value === null || form.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  return (
    <div class="app hx">
      <PageHeader page={page}>
        <PagesNav page={page} />
      </PageHeader>
      <Main
        key={page === "orders" ? page : `${page} ${what}`}
        label={t.title[page]}
        whole={page !== "orders"}
      >
        {page === "calls" &&
          (call === null ? <CallsPage /> : <CallPage pbx={call[0]} id={call[1]} />)}
        {page === "people" && <PeoplePage />}
        {page === "queues" && <QueuesPage />}
        {page === "orders" && (may("orders.read") ? <OrdersView /> : <p>{t.noRight}</p>)}
      </Main>
      <FloatingNote />
    </div>
  );
}

/** Where each list was scrolled to when it was left. */
const left = new Map<string, number>();
let shownBefore = false;

interface MainProps {
  readonly label: string;
  /** Orders bring a main part of their own. */
  readonly whole: boolean;
  readonly children: ComponentChildren;
}

function Main({ label, whole, children }: MainProps) {
  const Tag = (whole ? "main" : "div") as "main";
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = box.current;
    const here = location.href;
    if (element === null) return undefined;
    // Keys and screen readers go on from the new page; at the first one the browser's own order is.
    if (shownBefore) element.focus({ preventScroll: true });
    shownBefore = true;
    element.scrollTop = left.get(here) ?? 0;
    const keep = () => left.set(here, element.scrollTop);
    element.addEventListener("scroll", keep, { passive: true });
    return () => element.removeEventListener("scroll", keep);
  }, []);
  return (
    <Tag class="hx-main" aria-label={whole ? label : undefined} tabIndex={-1} ref={box}>
      {children}
    </Tag>
  );
}
