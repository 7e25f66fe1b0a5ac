import { lang } from "../i18n";
import { store } from "../live/store";
import { timeOfDay } from "../model/format";
import { Icon } from "../ui/icons";
import { Figure } from "../ui/parts";
import { gaps } from "./feed";
import { Ticking } from "./Ticking";
import { board } from "./words";

const LATE_S = 1;

/** How late the picture is, and when there was none: beside the link, clock and last event. */
export function FeedStrip() {
  const t = board.value.feed;
  const found = gaps.value;
  const lasting = found.some((gap) => gap.to === null);
  const time = (at: number) => timeOfDay(at, lang.value);
  const list = found
    .map((gap) => {
      const span =
        gap.to === null ? t.gapOpen(time(gap.from)) : t.gap(time(gap.from), time(gap.to));
      return `${gap.pbx === null ? t.page : t.pbx(gap.pbx)} ${span}`;
    })
    .join("; ");
  return (
    <div class="feed" aria-label={t.title} role="group">
      <Figure class="feed-lag" name={t.title} why={t.lagWhy}>
        <Ticking pbx={null} exact={false} text={lagText} />
      </Figure>
      <Figure
        class="feed-gaps"
        name={found.length === 0 ? t.noGaps : t.gaps(found.length)}
        why={list === "" ? t.gapsWhy : `${t.gapsWhy}: ${list}`}
        strength={lasting ? "breach" : "calm"}
      >
        {found.length > 0 && <Icon name="notice" />}
        {found.length === 0 ? t.noGaps : t.gaps(found.length)}
      </Figure>
    </div>
  );
}

function lagText(): string {
  const t = board.peek().feed;
  const page = store.lag();
  if (page === null) return t.lagUnknown;
  const judged = store.pbxKeys.peek().map((key) => store.peekPbx(key)?.lag_s ?? 0);
  const lag = page + Math.max(0, ...judged);
  return t.lag(lag < LATE_S ? `${Math.round(lag * 100) * 10} ms` : `${lag.toFixed(1)} s`);
}
