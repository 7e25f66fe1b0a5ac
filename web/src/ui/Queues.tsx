import { useComputed } from "@preact/signals";
import { Callers } from "../board/Callers";
import { PeriodChoice, QueueFigures, strengthFor } from "../board/QueueFigures";
import { ThresholdsButton } from "../board/Thresholds";
import { surgeOf } from "../board/surge";
import { SurgeTag } from "../board/SurgeCard";
import { Ticking } from "../board/Ticking";
import { messages } from "../i18n";
import { store } from "../live/store";
import { duration, limit, percent } from "../model/format";
import { against, bar, longestWait, rank, surgeStrength } from "../model/rules";
import type { Queue, Strength } from "../model/types";
import { Icon } from "./icons";
import { Bar, Figure, StrengthTag } from "./parts";
import { pbxTime } from "./words";

const MANY = 8;

export function Queues() {
  const t = messages.value;
  const keys = store.queueKeys.value;
  return (
    <section class="queues" aria-labelledby="queues-heading">
      <div class="queues-top">
        <h2 id="queues-heading">
          {t.queue.heading} <span class="faint">{keys.length}</span>
        </h2>
        <PeriodChoice />
        <ThresholdsButton />
      </div>
      {keys.length === 0 ? (
        <p class="nothing">{t.queue.none}</p>
      ) : (
        <ul class="queue-list" data-many={keys.length > MANY ? "yes" : "no"} data-few={keys.length}>
          {keys.map((key) => (
            <QueueCard key={key} id={key} />
          ))}
        </ul>
      )}
    </section>
  );
}

function wait(id: string): { queue: Queue; gone: number } | null {
  const queue = store.queue(id);
  if (queue === undefined) return null;
  const now = store.now(queue.pbx).value;
  const gone = now === null ? null : longestWait(queue, now);
  return gone === null ? null : { queue, gone };
}

/** How pressing the wait of a queue's oldest caller is; reads signals. */
export function waitStrength(id: string): Strength {
  const waited = wait(id);
  if (waited === null) return "calm";
  return against(waited.gone, waited.queue.wait_warn_s, waited.queue.wait_max_s);
}

function QueueCard({ id }: { id: string }) {
  const t = messages.value;
  const queue = store.queue(id);
  const waits = useComputed(() => waitStrength(id));
  if (queue === undefined) return null;
  const surge = surgeOf(id);
  const surges = surgeStrength(surge?.level ?? 0);
  const strength = rank(surges) > rank(waits.value) ? surges : waits.value;
  const named = store.pbxKeys.value.length > 1;
  const since =
    queue.counted_since === null
      ? ""
      : `${t.separator}${t.queue.since(pbxTime(queue.counted_since, queue.pbx, false))}`;
  const warn = queue.wait_warn_s === null ? t.queue.noLimit : limit(queue.wait_warn_s);
  const max = queue.wait_max_s === null ? t.queue.noLimit : limit(queue.wait_max_s);
  return (
    <li
      class="queue"
      data-strength={strength}
      data-waits={waits}
      data-queue={queue.name}
      data-stopped={store.isStopped(queue.pbx) ? "yes" : "no"}
    >
      <div class="queue-top">
        <h3 class="queue-name" title={queue.name}>
          {named && <span class="faint">{queue.pbx} </span>}
          {queue.label}
        </h3>
        {surge !== undefined ? (
          <SurgeTag id={id} />
        ) : (
          strength !== "calm" && <StrengthTag strength={strength} />
        )}
        {queue.gap && (
          <Figure class="gap" name={t.queue.gap} why={t.queue.gapWhy}>
            {t.queue.gap}
          </Figure>
        )}
      </div>
      <div class="queue-main">
        <Figure class="waiting" name={t.queue.waiting} why={t.queue.waitingWhy}>
          <b>{queue.waiting.length}</b>
          <span>{t.queue.waiting}</span>
        </Figure>
        <Figure class="longest" name={t.queue.longest} why={t.queue.longestWhy(warn, max)}>
          <b>
            {queue.waiting.length === 0 ? (
              "–"
            ) : (
              <Ticking pbx={queue.pbx} text={(now) => duration(longestWait(queue, now) ?? 0)} />
            )}
          </b>
          <span>{t.queue.longest}</span>
        </Figure>
        <ServiceLevel queue={queue} since={since} />
      </div>
      <Bar
        of={() => {
          const waited = wait(id);
          if (waited === null) return null;
          return bar(waited.gone, waited.queue.wait_warn_s, waited.queue.wait_max_s);
        }}
      />
      <Callers id={id} queue={queue} />
      <QueueFigures queue={queue} />
    </li>
  );
}

function ServiceLevel({ queue, since }: { queue: Queue; since: string }) {
  const t = messages.value;
  const within = queue.service_level_s === null ? "T" : limit(queue.service_level_s);
  const formula = t.queue.levelWhy(
    within,
    queue.offered - queue.waiting.length,
    queue.short_abandons,
  );
  const none = queue.service_level === null;
  return (
    <Figure
      class="level"
      strength={strengthFor("service_level", queue.service_level)}
      name={t.queue.levelName(queue.service_level_name)}
      why={(none ? `${formula}${t.separator}${t.queue.noLevel}` : formula) + since}
    >
      <b>
        {queue.service_level === null ? (
          "–"
        ) : (
          <>
            {percent(queue.service_level)}
            <small>%</small>
          </>
        )}
      </b>
      <span>
        {queue.service_level_name}
        {queue.gap && <Icon name="notice" />}
      </span>
    </Figure>
  );
}
