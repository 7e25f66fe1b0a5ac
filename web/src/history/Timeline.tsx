import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messages } from "../i18n";
import { duration } from "../model/format";
import { clock, offsetOf, personText } from "./ask";
import { Hatch } from "./Hatch";
import { ruleText, seatText } from "./parts";
import type { Drawn, Lane, Mark, Part } from "./timeline";
import { ticks } from "./timeline";
import { historyWords } from "./words";

const LANE = 34;
const BAR = 22;
const AXIS = 22;
const LABELS = 168;
/** Below this width, labels stand above their lanes. */
const NARROW = 620;
const TICK_PX = 84;
/** What a word takes at this size of type, roughly; a bar that is narrower keeps silent. */
const LETTER_PX = 7.5;

/** The width of an element, followed. */
export function useWidth<T extends HTMLElement>() {
  const box = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}

interface TimelineProps {
  readonly of: Drawn;
  readonly pbx: string;
  /** Where the playing sound is; null: nothing can be played. */
  readonly playing: number | null;
  readonly onSeek: (at: number) => void;
  readonly onToggle: () => void;
}

/** A call drawn: a lane for the waiting, for each seat, and for the recording. */
export function Timeline({ of, pbx, playing, onSeek, onToggle }: TimelineProps) {
  const t = historyWords.value.call;
  const [box, width] = useWidth<HTMLDivElement>();
  const narrow = width < NARROW;
  const left = narrow ? 0 : LABELS;
  const laneHeight = narrow ? LANE + 20 : LANE;
  const height = AXIS + of.lanes.length * laneHeight + 4;
  const span = of.to - of.from;
  const x = (at: number) => left + ((at - of.from) / span) * Math.max(1, width - left - 8);
  const atOf = (px: number) =>
    Math.min(of.to, Math.max(of.from, of.from + ((px - left) / (width - left - 8)) * span));
  const marks = ticks(of.from, of.to, Math.max(2, (width - left) / TICK_PX), offsetOf(pbx));
  const short = span < 120;
  return (
    <div class="hx-timeline" ref={box}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={t.drawing(of.lanes.length)}>
          <defs>
            <Hatch id="hx-hold-hatch" class="hx-hatch-hold" />
            <Hatch id="hx-consult-hatch" class="hx-hatch-consult" lines="falling" />
            <Hatch id="hx-park-hatch" class="hx-hatch-park" lines="crossed" />
            <Hatch id="hx-gap-hatch" class="hx-hatch-gap" />
          </defs>
          {marks.map((at) => (
            <g key={at}>
              <line class="hx-tick" x1={x(at)} x2={x(at)} y1={AXIS - 4} y2={height} />
              <text
                class="hx-tick-text"
                x={x(at)}
                y={12}
                text-anchor={x(at) < 30 ? "start" : x(at) > width - 30 ? "end" : "middle"}
              >
                {clock(at, pbx, short || span / marks.length < 60 ? "s" : "m")}
              </text>
            </g>
          ))}
          {of.lanes.map((lane, index) => (
            <LaneDrawn
              key={lane.key}
              lane={lane}
              y={AXIS + index * laneHeight + (narrow ? 20 : 0)}
              x={x}
              labelX={0}
              labelY={narrow ? -6 : LANE / 2 + 4}
              pbx={pbx}
            />
          ))}
          {of.gaps.map((gap) => (
            <rect
              key={gap.from}
              class="hx-gap"
              x={x(gap.from)}
              width={Math.max(2, x(gap.to) - x(gap.from))}
              y={AXIS}
              height={height - AXIS}
            >
              <title>{historyWords.value.gapWhy}</title>
            </rect>
          ))}
          {playing !== null && (
            <g class="hx-playhead" transform={`translate(${x(playing)} 0)`}>
              <line y1={AXIS - 6} y2={height} />
              <path d="M-6 12h12v4l-6 6-6-6z" />
            </g>
          )}
        </svg>
      )}
      {playing !== null && width > 0 && (
        <Slider
          of={of}
          at={playing}
          left={left}
          width={width}
          atOf={atOf}
          pbx={pbx}
          onSeek={onSeek}
          onToggle={onToggle}
        />
      )}
    </div>
  );
}

interface SliderProps {
  readonly of: Drawn;
  readonly at: number;
  readonly left: number;
  readonly width: number;
  readonly atOf: (px: number) => number;
  readonly pbx: string;
  readonly onSeek: (at: number) => void;
  readonly onToggle: () => void;
}

/** What is over the drawing: a press moves the sound there, keys move it by seconds. */
function Slider({ of, at, left, width, atOf, pbx, onSeek, onToggle }: SliderProps) {
  const t = historyWords.value.call;
  const box = useRef<HTMLDivElement>(null);
  const dragging = useRef(false);
  useEffect(() => {
    if (box.current === null) return;
    box.current.style.left = `${left}px`;
    box.current.style.width = `${Math.max(0, width - left)}px`;
  }, [left, width]);
  const seek = (event: PointerEvent) => {
    const edge = box.current?.getBoundingClientRect().left ?? 0;
    onSeek(atOf(event.clientX - edge + left));
  };
  const onKey = (event: KeyboardEvent) => {
    const by = {
      ArrowLeft: -5,
      ArrowRight: 5,
      ArrowDown: -1,
      ArrowUp: 1,
      PageDown: -30,
      PageUp: 30,
    }[event.key];
    if (by !== undefined) onSeek(Math.min(of.to, Math.max(of.from, at + by)));
    else if (event.key === "Home") onSeek(of.from);
    else if (event.key === "End") onSeek(of.to);
    else if (event.key === " " || event.key === "Enter") onToggle();
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      class="hx-slider"
      role="slider"
      tabIndex={0}
      aria-label={t.position}
      aria-valuemin={0}
      aria-valuemax={Math.round(of.to - of.from)}
      aria-valuenow={Math.round(at - of.from)}
      aria-valuetext={t.positionText(clock(at, pbx), duration(at - of.from))}
      title={t.seekHint}
      onKeyDown={onKey}
      onPointerDown={(event) => {
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        if (dragging.current) seek(event);
      }}
      onPointerUp={() => {
        dragging.current = false;
      }}
      onPointerCancel={() => {
        dragging.current = false;
      }}
    />
  );
}

interface LaneProps {
  readonly lane: Lane;
  readonly x: (at: number) => number;
  readonly y: number;
  readonly labelX: number;
  readonly labelY: number;
  readonly pbx: string;
}

function laneText(lane: Lane, pbx: string): string {
  const t = historyWords.value.call;
  if (lane.is !== "seat") return t.lane[lane.is];
  const seat = seatText(pbx, lane.seat ?? "");
  return lane.agent === null ? seat : `${personText(lane.agent)}`;
}

function LaneDrawn({ lane, x, y, labelX, labelY, pbx }: LaneProps) {
  const label = laneText(lane, pbx);
  return (
    <g transform={`translate(0 ${y})`} data-lane={lane.is}>
      <text class="hx-lane-label" x={labelX} y={labelY}>
        {label.length > 22 ? `${label.slice(0, 21)}…` : label}
        <title>{lane.seat === null ? label : `${label} · ${lane.seat}`}</title>
      </text>
      <line class="hx-lane-line" x1={0} x2="100%" y1={LANE - 2} y2={LANE - 2} />
      {lane.parts.map((part) => (
        <PartDrawn
          key={`${part.kind} ${part.from}`}
          part={part}
          over={firstOver(lane, part)}
          x={x}
          pbx={pbx}
        />
      ))}
      {lane.transfers.map((at) => (
        <path
          key={at}
          class="hx-transfer"
          transform={`translate(${x(at)} ${LANE / 2 - 1})`}
          d="M-3-6 3 0-3 6M-9 0H3"
        >
          <title>{historyWords.value.call.transfer}</title>
        </path>
      ))}
      {lane.marks.map((mark) => (
        <MarkDrawn
          key={`${mark.rule} ${mark.at} ${mark.strength}`}
          mark={mark}
          x={x(mark.at)}
          pbx={pbx}
        />
      ))}
    </g>
  );
}

/** How a part ended, in a word. */
export function endText(part: Part): string {
  const t = historyWords.value;
  const words: Readonly<Record<string, string>> =
    part.kind === "talk" ? t.endedBy : part.kind === "wrap_up" ? t.wrapUpBy : t.outcome;
  return part.end === null ? "" : (words[part.end] ?? part.end);
}

/** Holds lie over the talk that they are part of: its words end where the first one begins. */
function firstOver(lane: Lane, part: Part): number {
  if (part.kind !== "talk") return part.to;
  const over = lane.parts.filter(
    ({ kind, from }) => HELD.has(kind) && from >= part.from && from < part.to,
  );
  return Math.min(part.to, ...over.map(({ from }) => from));
}

const HELD: ReadonlySet<string> = new Set(["hold", "consult", "park"]);

interface PartProps {
  readonly part: Part;
  /** Until when its words can be seen. */
  readonly over: number;
  readonly x: (at: number) => number;
  readonly pbx: string;
}

function PartDrawn({ part, over, x, pbx }: PartProps) {
  const t = historyWords.value.call;
  const wide = Math.max(2, x(part.to) - x(part.from));
  const held = HELD.has(part.kind);
  const seen = x(over) - x(part.from);
  const top = (LANE - BAR) / 2 - 2;
  const word = t.part[part.kind];
  const time = duration(part.to - part.from);
  const both = `${word} ${time}`;
  // Chinese letters are as wide as high.
  const room = (text: string) =>
    [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 13 : LETTER_PX), 10);
  const said = seen > room(both) ? both : seen > room(time) ? time : "";
  const end = endText(part);
  return (
    <g class="hx-part" data-kind={part.kind} data-open={part.open ? "yes" : "no"}>
      <rect x={x(part.from)} y={top} width={wide} height={BAR} rx={2} />
      {held && (
        <rect class="hx-part-hatch" x={x(part.from)} y={top} width={wide} height={BAR} rx={2} />
      )}
      {said !== "" && (
        <text x={x(part.from) + 5} y={LANE / 2 + 3}>
          {said}
        </text>
      )}
      <title>
        {`${word} ${clock(part.from, pbx)}–${clock(part.to, pbx)} (${time})`}
        {end === "" ? "" : ` · ${end}`}
        {part.open ? ` · ${t.open}` : ""}
      </title>
    </g>
  );
}

function MarkDrawn({ mark, x, pbx }: { mark: Mark; x: number; pbx: string }) {
  const t = historyWords.value.call;
  const m = messages.value;
  const shape = mark.strength === "warning" ? "M0-6 7 6H-7z" : "M-3-7h6l4 4v6l-4 4h-6l-4-4v-6z";
  const what = mark.violation ? t.violation : m.strength[mark.strength];
  return (
    <g
      class="hx-mark"
      data-strength={mark.strength}
      data-excused={mark.excused ? "yes" : "no"}
      transform={`translate(${x} ${mark.violation ? LANE / 2 - 1 : 5})`}
    >
      <path d={shape} />
      {mark.violation && <path class="hx-mark-in" d="M0-4v4.500M0 3v.01" />}
      <title>
        {`${what} · ${ruleText(mark.rule)} · ${clock(mark.at, pbx)}`}
        {mark.excused ? ` · ${t.excused}` : ""}
      </title>
    </g>
  );
}
