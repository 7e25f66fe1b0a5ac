import { lang } from "../i18n";
import { siteOffset } from "../live/site";
import { store } from "../live/store";
import { measure, offset as signed, timeOfDay } from "../model/format";
import { Icon } from "../ui/icons";
import { Figure } from "../ui/parts";
import { pbxTime } from "../ui/words";
import { gaps, health, told } from "./feed";
import { Ticking } from "./Ticking";
import { board } from "./words";

const LATE_S = 1;
const LISTED = 8;
/** A day: as long as the figures of today span it. */
const STEP_SHOWN_S = 24 * 3600;

/** How late the picture is, and when there was none: beside the link, clock and last event. */
export function FeedStrip() {
  const t = board.value.feed;
  const offset = (pbx: string) => store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0;
  const found = told(gaps.value, health.value, offset);
  const lasting = found.some((gap) => gap.to === null);
  const time = (at: number) => timeOfDay(at, lang.value, siteOffset.value);
  const list = found
    .slice(0, LISTED)
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
      <ClockSteps />
    </div>
  );
}

/** That a PBX's clock was set, for as long as it may still matter to what is shown. */
function ClockSteps() {
  const t = board.value.feed;
  return (
    <>
      {store.pbxKeys.value.map((key) => {
        const pbx = store.pbx(key);
        const step = pbx?.clock_step ?? null;
        if (pbx === undefined || step === null || !isRecent(step.at, pbx.clock_offset_s))
          return null;
        const by = measure(Math.abs(step.seconds));
        return (
          <Figure
            key={key}
            class="feed-step"
            name={t.clockSet(signed(step.seconds))}
            why={t.clockSetWhy(pbx.id, pbxTime(step.at, pbx.id), by, step.seconds > 0)}
          >
            <Icon name="notice" />
            {t.clockSet(signed(step.seconds))}
          </Figure>
        );
      })}
    </>
  );
}

function isRecent(at: number, offset_s: number): boolean {
  const now = store.serverNow.peek();
  return now === null || now + offset_s - at < STEP_SHOWN_S;
}

function lagText(): string {
  const t = board.peek().feed;
  const page = store.lag();
  if (page === null) return t.lagUnknown;
  const judged = [...health.peek().values()].map(({ lag_s }) => lag_s ?? 0);
  const lag = page + Math.max(0, ...judged);
  return t.lag(lag < LATE_S ? `${Math.round(lag * 100) * 10} ms` : `${lag.toFixed(1)} s`);
}
