import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { lang } from "../i18n";
import { percent, timeOfDay } from "../model/format";
import {
  type ChartRow,
  columnsOf,
  gapsOf,
  heard,
  levelOf,
  type Span,
  spanOf,
  totalOf,
} from "./rows";
import "./charts.css";
import { chartsWords } from "./words";

interface IntradayProps {
  /** Whose figures these are. */
  readonly name: string;
  readonly rows: readonly ChartRow[];
  readonly step_s: number;
  /** The site's time minus UTC, seconds; null: as this browser's clock. */
  readonly offset_s?: number | null;
  /** The share that is aimed at, drawn as a line. */
  readonly target?: number | null;
  /** How many px of the screen a px of the design takes. */
  readonly scale?: number;
  /** The figures as a table for screen readers; not where nobody could reach it. */
  readonly table?: boolean;
}

/** A shift of a queue by quarters of an hour: offered, answered, abandoned, service level. */
export function Intraday(props: IntradayProps) {
  const { name, step_s, table = true } = props;
  const rows = useMemo(() => heard(props.rows), [props.rows]);
  const t = chartsWords.value;
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const language = lang.value;
  const offset_s = props.offset_s ?? null;
  const scale = props.scale ?? 1;
  const target = props.target ?? null;

  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const make = () => {
      drawn.current?.destroy();
      drawn.current = new Drawn(element, { offset_s, scale, target });
      drawn.current.show(latest.current.rows, latest.current.step_s);
    };
    make();
    const resized = new ResizeObserver(() => drawn.current?.fit());
    resized.observe(element);
    // The canvas knows no custom properties: another theme is another drawing.
    const themed = new MutationObserver(make);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
      drawn.current?.destroy();
      drawn.current = null;
    };
  }, [language, offset_s, scale, target]);
  const latest = useRef({ rows, step_s });
  useLayoutEffect(() => {
    latest.current = { rows, step_s };
    drawn.current?.show(rows, step_s);
  }, [rows, step_s]);

  const total = totalOf(rows);
  const level = (of: Pick<ChartRow, "in_time" | "sl_of">) => {
    const share = levelOf(of);
    return share === null ? t.absent : `${percent(share)}%`;
  };
  const time = (at: number) => clock(at, offset_s);
  return (
    <figure class="intraday" data-empty={rows.length === 0 ? "yes" : "no"}>
      <div
        class="intraday-plot"
        ref={host}
        role="img"
        aria-label={t.summary(
          name,
          `${total.offered}`,
          `${total.answered}`,
          `${total.abandoned}`,
          level(total),
        )}
      />
      {rows.length === 0 && <p class="intraday-none">{t.none}</p>}
      <figcaption class="intraday-legend">
        <Key is="offered">{t.offered}</Key>
        <Key is="answered">{t.answered}</Key>
        <Key is="abandoned">{t.abandoned}</Key>
        <Key is="level">{t.level}</Key>
        {total.gap && <Key is="gap">{table ? t.gap : t.gapShort}</Key>}
      </figcaption>
      {table && (
        <table class="unseen">
          <caption>{t.table(name)}</caption>
          <thead>
            <tr>
              {[t.time, t.offered, t.answered, t.abandoned, t.level].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.at}>
                <th scope="row">
                  {time(row.at)}
                  {row.gap && ` ${t.gapShort}`}
                </th>
                <td>{row.offered}</td>
                <td>{row.answered}</td>
                <td>{row.abandoned}</td>
                <td>{level(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}

function Key({ is, children }: { is: string; children: string }) {
  return (
    <span class="intraday-key" data-is={is}>
      {children}
    </span>
  );
}

function clock(at: number, offset_s: number | null): string {
  return timeOfDay(at, lang.peek(), offset_s, false);
}

interface Look {
  readonly offset_s: number | null;
  readonly scale: number;
  readonly target: number | null;
}

/** The drawing itself. */
class Drawn {
  readonly #host: HTMLElement;
  readonly #plot: uPlot;
  readonly #look: Look;
  readonly #ink: (name: string) => string;
  #gaps: readonly Span[] = [];
  #span: Span | null = null;

  constructor(host: HTMLElement, look: Look) {
    this.#host = host;
    this.#look = look;
    const style = getComputedStyle(host);
    this.#ink = (name) => style.getPropertyValue(`--chart-${name}`).trim() || "#888";
    this.#plot = new uPlot(this.#options(style.fontFamily), [[], [], [], [], []], host);
  }

  show(rows: readonly ChartRow[], step_s: number): void {
    const { at, offered, stacked, answered, level } = columnsOf(rows, step_s);
    this.#gaps = gapsOf(rows, step_s);
    this.#span = spanOf(rows, step_s);
    this.#plot.setData([at, stacked, answered, offered, level], true);
  }

  fit(): void {
    const { width, height } = this.#size();
    if (width !== this.#plot.width || height !== this.#plot.height)
      this.#plot.setSize({ width, height });
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #size(): { width: number; height: number } {
    return {
      width: Math.max(80, this.#host.clientWidth),
      height: Math.max(60, this.#host.clientHeight),
    };
  }

  #options(family: string): uPlot.Options {
    const { scale, offset_s } = this.#look;
    const ink = this.#ink;
    const px = (size: number) => Math.round(size * scale * 10) / 10;
    const font = `${px(13)}px ${family}`;
    const bars = uPlot.paths.bars?.({ align: 1, size: [0.84, Number.POSITIVE_INFINITY] });
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const axis = { stroke: ink("ink"), font, ticks: { show: false } } as const;
    const local = (at: number) =>
      new Date((at + (offset_s ?? 0)) * 1000 + new Date(at * 1000).getTimezoneOffset() * 60_000);
    return {
      ...this.#size(),
      ...(offset_s === null ? {} : { tzDate: local }),
      padding: [px(10), px(6), 0, px(4)],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [this.#span?.from ?? 0, this.#span?.to ?? 1] },
        calls: { range: (_plot, _low, high) => [0, Math.max(4, (high ?? 0) * 1.1)] },
        share: { range: () => [0, 1.02] },
      },
      axes: [
        {
          ...axis,
          size: px(26),
          gap: px(6),
          space: px(90),
          grid: { show: false },
          incrs: [900, 1800, 3600, 7200, 10_800, 14_400, 21_600],
          values: (_plot, splits) => splits.map((at) => clock(at, offset_s)),
        },
        {
          ...axis,
          scale: "calls",
          size: px(40),
          gap: px(6),
          space: px(34),
          grid: { stroke: ink("grid"), width: 1 },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
        },
        {
          ...axis,
          scale: "share",
          side: 1,
          size: px(50),
          gap: px(6),
          grid: { show: false },
          splits: () => [0, 0.5, 1],
          values: (_plot, splits) => splits.map((share) => `${Math.round(share * 100)}%`),
        },
      ],
      series: [
        {},
        series("calls", bars, { fill: ink("abandoned"), width: 0 }),
        series("calls", bars, { fill: ink("answered"), width: 0 }),
        series("calls", stepped, { stroke: ink("offered"), width: px(1.5) }),
        {
          scale: "share",
          stroke: ink("level"),
          width: px(2),
          spanGaps: false,
          points: { show: true, size: px(6), width: px(1), fill: ink("level") },
        },
      ],
      hooks: { drawClear: [(plot) => this.#shade(plot)], draw: [(plot) => this.#aim(plot)] },
    };
  }

  /** Hatch the times that were not heard. */
  #shade(plot: uPlot): void {
    const { ctx, bbox } = plot;
    for (const { from, to } of this.#gaps) {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right <= left) continue;
      const step = 8 * this.#look.scale * devicePixelRatio;
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.fillStyle = this.#ink("gap");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.strokeStyle = this.#ink("hatch");
      ctx.lineWidth = Math.max(1, step / 6);
      ctx.beginPath();
      for (let x = left - bbox.height; x < right; x += step) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
  }

  /** The share that is aimed at. */
  #aim(plot: uPlot): void {
    const { target, scale } = this.#look;
    if (target === null || this.#span === null) return;
    const { ctx, bbox } = plot;
    const y = plot.valToPos(target, "share", true);
    const dash = 6 * scale * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = this.#ink("level");
    ctx.lineWidth = Math.max(1, scale * devicePixelRatio);
    ctx.setLineDash([dash, dash]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}

function series(
  scale: string,
  paths: uPlot.Series.PathBuilder | undefined,
  look: Partial<uPlot.Series>,
): uPlot.Series {
  return { scale, points: { show: false }, ...(paths === undefined ? {} : { paths }), ...look };
}
