import { useSignalEffect } from "@preact/signals";
import { store } from "../live/store";
import { duration } from "../model/format";
import { Icon } from "../ui/icons";
import { Live } from "../ui/parts";
import { access, siteTime } from "./access";
import { Aside } from "./Aside";
import { Connect } from "./Connect";
import { Overview } from "./Overview";
import { QueueSlide } from "./QueueSlide";
import { options, queueKeys, slide, slides, turn } from "./turn";
import { wallWords } from "./words";

/** The whole screen: nothing on it can be pressed, and nothing scrolls. */
export function Wall() {
  const t = wallWords.value;
  useSignalEffect(() => {
    document.title = `${wallWords.value.title} – agentd`;
  });
  const now = access.value;
  if (now.is === "out") return <Connect ended={now.ended} forbidden={now.forbidden} />;
  if (now.is !== "in" || !store.loaded.value)
    return (
      <main class="wall">
        <p class="wall-starting" role="status">
          {now.is === "lost" ? t.lost : t.starting}
        </p>
      </main>
    );
  const stale = store.feed.value.is !== "live";
  return (
    <div class="wall" data-stale={stale ? "yes" : "no"}>
      <Head />
      <Stopped />
      <div class="wall-body">
        <main class="wall-main">
          <Picture />
        </main>
        <Aside />
      </div>
    </div>
  );
}

function Head() {
  const t = wallWords.value;
  const count = slides.value.length;
  return (
    <header class="wall-head">
      <h1>
        <Title />
      </h1>
      {count > 1 && (
        <div class="wall-dots" role="img" aria-label={t.page(turn.value + 1, count)}>
          {slides.value.map((one, index) => (
            <i
              key={one.kind === "queue" ? one.key : `overview ${one.page}`}
              data-shown={index === turn.value ? "yes" : "no"}
            />
          ))}
        </div>
      )}
      <time class="wall-now">
        <Live text={clock} />
      </time>
    </header>
  );
}

function clock(): string {
  const now = store.serverNow.value;
  return now === null ? "--:--" : siteTime(now, null, "m");
}

function Title() {
  const now = slide.value;
  if (now === null) return <>{wallWords.value.title}</>;
  if (now.kind === "overview") return <>{wallWords.value.overview}</>;
  return <>{store.queue(now.key)?.label ?? ""}</>;
}

function Picture() {
  const t = wallWords.value;
  const now = slide.value;
  if (now === null || queueKeys.value.length === 0)
    return <p class="wall-nothing">{options.value.queues.length > 0 ? t.notThese : t.noQueues}</p>;
  if (now.kind === "overview") return <Overview keys={now.keys} />;
  return <QueueSlide key={now.key} id={now.key} />;
}

/** Says that what is shown is no longer live, and since when. */
function Stopped() {
  const t = wallWords.value;
  const feed = store.feed.value;
  if (feed.is === "stale")
    return (
      <Band
        title={t.stale}
        since={siteTime(feed.at, null)}
        lasting={() => duration(store.localNow.value - feed.lostAt)}
      />
    );
  if (feed.is !== "live") return <Band title={t.starting} since={null} lasting={null} />;
  return (
    <>
      {store.pbxKeys.value.map((key) => (
        <PbxBand key={key} id={key} />
      ))}
    </>
  );
}

function PbxBand({ id }: { id: string }) {
  const pbx = store.pbx(id);
  if (pbx === undefined || pbx.link === "up") return null;
  const since = store.stoppedAt(pbx.id);
  return (
    <Band
      title={wallWords.value.pbxDown(pbx.id)}
      since={since === null ? null : siteTime(since, pbx.id)}
      lasting={() => {
        const now = store.serverNow.value;
        return since === null || now === null
          ? ""
          : duration(Math.max(0, now + pbx.clock_offset_s - since));
      }}
    />
  );
}

interface BandProps {
  readonly title: string;
  readonly since: string | null;
  readonly lasting: (() => string) | null;
}

function Band({ title, since, lasting }: BandProps) {
  const t = wallWords.value;
  return (
    <div class="wall-band" role="alert">
      <Icon name="breach" large />
      <strong>{title}</strong>
      {since !== null && <span>{t.staleSince(since)}</span>}
      {since !== null && lasting !== null && (
        // The words change every second: screen readers are told once.
        <span aria-hidden="true">
          <Live text={() => t.staleFor(lasting())} />
        </span>
      )}
    </div>
  );
}
