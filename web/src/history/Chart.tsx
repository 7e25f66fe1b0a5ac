import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, offset } from "./ask";
import { QUARTER_S, series } from "./queueday";
import type { Quarter } from "./types";
import { useWidth } from "./Timeline";
import { theme } from "../live/theme";
import { historyWords } from "./words";
import { clockOf } from "./zone";

interface ChartProps {
  readonly quarters: readonly Quarter[];
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  readonly label: string;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Slanting lines on the canvas, as on the drawings. */
function hatch(): CanvasPattern | null {
  const tile = document.createElement("canvas");
  const size = 8 * devicePixelRatio;
  tile.width = size;
  tile.height = size;
  const draw = tile.getContext("2d");
  if (draw === null) return null;
  draw.strokeStyle = colour("--hx-gap");
  draw.lineWidth = 1.5 * devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    draw.beginPath();
    draw.moveTo(shift, size);
    draw.lineTo(shift + size, 0);
    draw.stroke();
  }
  return draw.createPattern(tile, "repeat");
}

/** Bars beside one another, `index` of `count`, within the quarter that they belong to. */
function bars(index: number, count: number): uPlot.Series.PathBuilder {
  const made = uPlot.paths.bars?.({
    align: 1,
    size: [1, Number.POSITIVE_INFINITY],
    disp: {
      x0: {
        unit: 1,
        values: (u) =>
          (u.data[0] as number[]).map((at) => at + QUARTER_S * (0.1 + (0.8 * index) / count)),
      },
      size: {
        unit: 1,
        values: (u) => (u.data[0] as number[]).map(() => (QUARTER_S * 0.8) / count),
      },
    },
  });
  if (made === undefined) throw new Error("uPlot has no bars");
  return made;
}

/** Which series the service level is; the bars are before it. */
const LEVEL = 4;

/** A queue's quarters as a chart: how many came, were answered and went, and the service level. */
export function Chart({ quarters, gaps, label }: ChartProps) {
  const t = historyWords.value.queues;
  const [box, width] = useWidth<HTMLDivElement>();
  const drawing = useRef<uPlot | null>(null);
  const looks = `${theme.value} ${document.documentElement.dataset.theme}`;
  useEffect(() => {
    const element = box.current;
    if (element === null || width === 0) return undefined;
    const ink = colour("--muted");
    const grid = { stroke: colour("--line"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const pattern = hatch();
    const data = series(quarters);
    const end = (data.at.at(-1) ?? 0) + QUARTER_S;
    const counted = (name: string, fill: string, index: number): uPlot.Series => ({
      label: name,
      scale: "count",
      fill: colour(fill),
      stroke: colour(fill),
      width: 0,
      paths: bars(index, 3),
      points: { show: false },
      value: (_, value) => (value === null ? "–" : `${value}`),
    });
    const plot = new uPlot(
      {
        width,
        height: 280,
        tzDate: (at) => new Date(at * 1000),
        cursor: {
          drag: { x: false, y: false },
          points: { show: false },
          // A legend that only a mouse can press is none.
          bind: { click: () => null },
        },
        legend: { live: true },
        scales: {
          x: { time: false, range: () => [data.at[0] ?? 0, end] },
          count: { range: (_, __, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.1))] },
          share: { range: [0, 105] },
        },
        axes: [
          {
            stroke: ink,
            grid,
            ticks: grid,
            font,
            incrs: [900, 1800, 3600, 7200, 10_800, 14_400],
            splits: (_, __, from, to, step) => {
              const first = Math.ceil((from + offset.peek()) / step) * step - offset.peek();
              const found = [];
              for (let at = first; at <= to; at += step) found.push(at);
              return found;
            },
            values: (_, splits) => splits.map((at) => clockOf(at, offset.peek())),
          },
          {
            scale: "count",
            stroke: ink,
            grid,
            ticks: grid,
            font,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
          },
          {
            scale: "share",
            side: 1,
            size: 56,
            stroke: ink,
            grid: { show: false },
            ticks: grid,
            font,
            splits: () => [0, 20, 40, 60, 80, 100],
            values: (_, splits) => splits.map((share) => `${share}%`),
          },
        ],
        series: [
          { label: t.time, value: (_, at) => (at === null ? "–" : clock(at, null, "m")) },
          counted(t.offered, "--hx-offered", 0),
          counted(t.answered, "--hx-answered", 1),
          counted(t.lost, "--hx-lost", 2),
          {
            label: t.level,
            scale: "share",
            stroke: colour("--hx-level"),
            fill: colour("--surface"),
            width: 2,
            paths: (u, index) => middle(u, index),
            points: { show: false },
            value: (_, value) => (value === null ? "–" : `${value.toFixed(0)}%`),
          },
        ],
        hooks: {
          drawSeries: [
            (u, index) => {
              // A rim of the ground's colour: the line is seen on the bars too.
              if (index !== LEVEL - 1) return;
              const { stroke } = middle(u, LEVEL);
              if (!(stroke instanceof Path2D)) return;
              u.ctx.save();
              u.ctx.strokeStyle = colour("--surface");
              u.ctx.lineWidth = 6 * devicePixelRatio;
              u.ctx.stroke(stroke);
              u.ctx.restore();
            },
          ],
          drawClear: [
            (u) => {
              if (pattern === null) return;
              u.ctx.save();
              u.ctx.fillStyle = pattern;
              for (const { from, to } of gaps) {
                const [left, right] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
                u.ctx.fillRect(left, u.bbox.top, Math.max(3, right - left), u.bbox.height);
              }
              u.ctx.restore();
            },
          ],
        },
      },
      [data.at, data.offered, data.answered, data.abandoned, data.level],
      element,
    );
    drawing.current = plot;
    return () => {
      drawing.current = null;
      plot.destroy();
    };
  }, [width, quarters, gaps, looks, t]);
  return (
    <div class="hx-chart">
      <div ref={box} role="img" aria-label={label} />
    </div>
  );
}

/** The service level belongs to its whole quarter: points in its middle, no line over a hole. */
function middle(u: uPlot, index: number): uPlot.Series.Paths {
  const line = new Path2D();
  const dots = new Path2D();
  const at = u.data[0] as number[];
  const values = u.data[index] as (number | null)[];
  let drawn = false;
  values.forEach((value, place) => {
    if (value === null) {
      drawn = false;
      return;
    }
    const x = u.valToPos((at[place] ?? 0) + QUARTER_S / 2, "x", true);
    const y = u.valToPos(value, "share", true);
    if (drawn) line.lineTo(x, y);
    else line.moveTo(x, y);
    const r = 4 * devicePixelRatio;
    dots.moveTo(x + r, y);
    dots.arc(x, y, r, 0, 2 * Math.PI);
    drawn = true;
  });
  line.addPath(dots);
  return { stroke: line, fill: dots };
}
