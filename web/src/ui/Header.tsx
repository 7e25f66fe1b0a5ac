import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { FeedStrip } from "../board/FeedStrip";
import { lang, messages } from "../i18n";
import { siteOffset, siteOffsetNow } from "../live/site";
import { store } from "../live/store";
import { duration, offset, timeOfDay, zoneName } from "../model/format";
import type { Pbx } from "../model/types";
import { Account, Appearance } from "./Account";
import { Icon, type IconName, Mark } from "./icons";
import { PagesNav } from "./PagesNav";
import { Figure, Live } from "./parts";
import { elapsed, linkReason } from "./words";

const LINK_ICON: Record<Pbx["link"], IconName> = {
  up: "link",
  syncing: "offered",
  down: "unreachable",
};

export function Header() {
  const t = messages.value;
  return (
    <header class="header">
      <h1 class="title">
        <Mark />
        {t.title}
      </h1>
      <Health />
      <FeedStrip />
      <PagesNav page="board" />
      <div class="controls">
        <Warnings />
        <SiteClock />
        <Appearance />
        <Account page="board" />
      </div>
    </header>
  );
}

/** The time at the call centre, wherever the browser is, and whose it is. */
export function SiteClock() {
  const zone = zoneName(siteOffset.value ?? siteOffsetNow());
  return (
    <time class="now" title={messages.value.feed.siteTime(zone)}>
      <Live text={wallTime} />
      <small class="zone">{zone}</small>
    </time>
  );
}

function wallTime(): string {
  const now = store.serverNow.value;
  return now === null ? "--:--:--" : timeOfDay(now, lang.value, siteOffset.value);
}

export function Health() {
  const t = messages.value;
  const keys = store.pbxKeys.value;
  return (
    <ul class="health" aria-label={t.feed.health}>
      {keys.length === 0 && store.loaded.value && <li class="health-item">{t.feed.none}</li>}
      {keys.map((key) => (
        <PbxHealth key={key} id={key} named={keys.length > 1} />
      ))}
    </ul>
  );
}

function PbxHealth({ id, named }: { id: string; named: boolean }) {
  const t = messages.value;
  const pbx = store.pbx(id);
  if (pbx === undefined) return null;
  const word = named
    ? { up: t.feed.upNamed, syncing: t.feed.syncingNamed, down: t.feed.downNamed }[pbx.link](pbx.id)
    : t.feed[pbx.link];
  const reason = pbx.link === "down" ? linkReason(pbx) : pbx.version;
  return (
    <li class="health-item" data-link={pbx.link}>
      <Figure name={word} why={reason ?? pbx.id}>
        <Icon name={LINK_ICON[pbx.link]} />
        {word}
      </Figure>
      <span class="health-more">
        <Figure name={t.feed.clockOffset(offset(pbx.clock_offset_s))} why={t.feed.clockOffsetWhy}>
          {t.feed.clockOffset(offset(pbx.clock_offset_s))}
        </Figure>
      </span>
      <span class="health-more">
        <Live text={() => lastEvent(id)} />
      </span>
    </li>
  );
}

function lastEvent(id: string): string {
  const t = messages.value;
  const pbx = store.pbx(id);
  if (pbx === undefined || pbx.last_event_at === null) return t.feed.noEvent;
  const age = Math.floor(elapsed(pbx.id, pbx.last_event_at, false));
  return t.feed.lastEvent(age < 60 ? t.feed.ageSeconds(age) : t.feed.age(duration(age)));
}

/** What agentd has to say about its surroundings, for whoever looks after it. */
function Warnings() {
  const t = messages.value;
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const found = store.pbxKeys.value.flatMap((key) => {
    const pbx = store.pbx(key);
    return (pbx?.warnings ?? []).map((warning) => ({ ...warning, pbx: pbx?.id ?? "" }));
  });
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
  if (found.length === 0) return null;
  return (
    <div class="notices" ref={box}>
      <button
        type="button"
        class="control"
        aria-expanded={open.value}
        aria-controls="notices"
        aria-label={t.feed.warnings(found.length)}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name="notice" />
        <span class="wide-screen">{t.feed.warnings(found.length)}</span>
        <span class="narrow-screen">{found.length}</span>
      </button>
      <div id="notices" class="panel" hidden={!open.value}>
        <h2>{t.feed.warningsTitle}</h2>
        <ul>
          {found.map((warning) => (
            <li key={`${warning.pbx} ${warning.code} ${warning.text}`}>
              <strong>{warning.pbx}</strong>
              <p>{t.feed.warningText(warning.code, warning.text)}</p>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
