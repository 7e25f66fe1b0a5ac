import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Intraday } from "../charts/Intraday";
import { store } from "../live/store";
import { surgeStrength } from "../model/rules";
import type { Queue } from "../model/types";
import { Icon } from "../ui/icons";
import { access, offset, siteTime } from "./access";
import { figure, longest, periodOf, type Shown } from "./queue";
import { askShift, shiftOf } from "./shift";
import { options } from "./turn";
import { Value } from "./Value";
import { wallWords } from "./words";

const DESIGN_WIDTH = 1920;
const DESIGN_HEIGHT = 1080;
const CHART_EVERY_MS = 20_000;
/** Letters of a chart, as against those of a page. */
const CHART_SCALE = 2.3;

/** One queue, with its shift. */
export function QueueSlide({ id }: { id: string }) {
  const t = wallWords.value;
  const queue = store.queue(id);
  if (queue === undefined) return null;
  return (
    <section class="wall-queue" data-stopped={store.isStopped(queue.pbx) ? "yes" : "no"}>
      <Surge queue={queue} />
      <dl class="wall-figures">
        <Big
          name={t.service_level}
          note={t.period[periodOf(queue)]}
          of={() => figure(queue, "service_level")}
        />
        <Big
          name={t.waiting}
          of={() => ({ text: `${queue.waiting.length}`, strength: "calm", gap: false })}
        />
        <Big name={t.longest} of={() => longest(queue)} />
        <Big
          name={t.abandoned}
          note={t.period[periodOf(queue)]}
          of={() => figure(queue, "abandoned")}
        />
      </dl>
      {options.value.chart && <Chart queue={queue} />}
    </section>
  );
}

function Big({ name, note, of }: { name: string; note?: string; of: () => Shown }) {
  return (
    <div class="wall-big">
      <dt>{name}</dt>
      <dd>
        <Value of={of} />
      </dd>
      <dd class="wall-note">{note ?? ""}</dd>
    </div>
  );
}

function Surge({ queue }: { queue: Queue }) {
  const t = wallWords.value;
  const surge = store.surge(queue.pbx, queue.name);
  if (surge === undefined || surge.level === 0) return null;
  const strength = surgeStrength(surge.level);
  const why = surge.reached.map((measure) => t.surgeBy[measure]).join(" · ");
  return (
    <p class="wall-surge wall-surge-band" data-strength={strength}>
      <Icon name={strength === "calm" ? "notice" : strength} large />
      <strong>{t.surge(surge.level)}</strong>
      {why !== "" && <span>{why}</span>}
      {surge.since !== null && <span>{t.since(siteTime(surge.since, queue.pbx, "m"))}</span>}
    </p>
  );
}

function Chart({ queue }: { queue: Queue }) {
  const name = `${queue.pbx}/${queue.name}`;
  const scale = useScale();
  useEffect(() => {
    void askShift(name);
    const timer = setInterval(() => void askShift(name), CHART_EVERY_MS);
    return () => clearInterval(timer);
  }, [name]);
  const shift = shiftOf(name);
  const limits = access.value.is === "in" ? access.value.info.thresholds.service_level : undefined;
  return (
    <div class="wall-chart">
      <Intraday
        name={queue.label}
        rows={shift?.rows ?? NO_ROWS}
        step_s={shift?.step_s ?? 900}
        target={limits?.warn ?? null}
        scale={scale * CHART_SCALE}
        offset_s={offset()}
        table={false}
      />
    </div>
  );
}

const NO_ROWS = [] as const;

/** How many px of this screen one of the design takes, as wall.css has it. */
function useScale(): number {
  const scale = useSignal(measured());
  useEffect(() => {
    const resized = () => {
      scale.value = measured();
    };
    addEventListener("resize", resized);
    return () => removeEventListener("resize", resized);
  }, [scale]);
  return scale.value;
}

function measured(): number {
  if (innerWidth < innerHeight) return innerWidth / DESIGN_HEIGHT;
  return Math.min(innerWidth / DESIGN_WIDTH, innerHeight / DESIGN_HEIGHT);
}
