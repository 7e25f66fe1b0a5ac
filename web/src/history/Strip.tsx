import { messages } from "../i18n";
import { pauseText } from "../live/form";
import { duration, shortDuration } from "../model/format";
import { clock, offsetOf } from "./ask";
import { Hatch } from "./Hatch";
import { hours, type Piece, type Strip, type StripState } from "./strip";
import { ticks } from "./timeline";
import { useWidth } from "./Timeline";
import { historyWords } from "./words";

const HIGH = 36;
const AXIS = 20;
const HOUR_HIGH = 22;
const HOUR_LABEL = 52;

export function stateText(state: StripState): string {
  return state === "gap" ? historyWords.value.gap : messages.value.state[state];
}

function titleOf(piece: Piece, pbx: string): string {
  const why = pauseText(piece.reason);
  const times = `${clock(piece.from, pbx)}–${piece.open ? "" : clock(piece.to, pbx)}`;
  return `${stateText(piece.state)}${why === "" ? "" : ` (${why})`} ${times} · ${duration(piece.to - piece.from)}`;
}

interface StripProps {
  readonly of: Strip;
  /** When its PBX was not heard. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** One seat's time as a strip, with an axis. */
export function StripDrawn({ of, gaps, from, to, label }: StripProps) {
  const [box, width] = useWidth<HTMLDivElement>();
  const x = (at: number) => ((at - from) / (to - from)) * width;
  return (
    <div class="hx-strip" ref={box} data-seat={`${of.pbx}/${of.seat}`}>
      {width > 0 && (
        <svg width={width} height={HIGH + AXIS} role="img" aria-label={label}>
          <Defs />
          <Gaps gaps={gaps} from={from} to={to} x={x} y={0} high={HIGH} />
          <Pieces pieces={of.pieces} x={x} y={0} high={HIGH} pbx={of.pbx} />
          {ticks(from, to, Math.max(2, width / 84), offsetOf(of.pbx)).map((at) => (
            <g key={at}>
              <line class="hx-tick" x1={x(at)} x2={x(at)} y1={HIGH} y2={HIGH + 4} />
              <text
                class="hx-tick-text"
                x={x(at)}
                y={HIGH + AXIS - 3}
                text-anchor={x(at) < 20 ? "start" : x(at) > width - 20 ? "end" : "middle"}
              >
                {clock(at, of.pbx, "m")}
              </text>
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}

/** The same time, a line for each hour: a call of a minute can be seen. */
export function Hours({ of, gaps, from, to, label }: StripProps) {
  const [box, width] = useWidth<HTMLDivElement>();
  const lines = hours(from, to, offsetOf(of.pbx));
  const room = Math.max(1, width - HOUR_LABEL);
  return (
    <div class="hx-strip" ref={box}>
      {width > 0 && (
        <svg width={width} height={lines.length * (HOUR_HIGH + 4)} role="img" aria-label={label}>
          <Defs />
          {lines.map((hour, index) => {
            const inHour = of.pieces
              .filter((piece) => piece.from < hour + 3600 && piece.to > hour)
              .map((piece) => ({
                ...piece,
                whole: piece,
                from: Math.max(hour, piece.from),
                to: Math.min(hour + 3600, piece.to),
              }));
            const x = (at: number) => HOUR_LABEL + ((at - hour) / 3600) * room;
            const y = index * (HOUR_HIGH + 4);
            return (
              <g key={hour}>
                <text class="hx-tick-text" x={0} y={y + HOUR_HIGH - 6}>
                  {clock(hour, of.pbx, "m")}
                </text>
                <rect class="hx-hour" x={HOUR_LABEL} y={y} width={room} height={HOUR_HIGH} />
                <Gaps gaps={gaps} from={hour} to={hour + 3600} x={x} y={y} high={HOUR_HIGH} />
                <Pieces pieces={inHour} x={x} y={y} high={HOUR_HIGH} pbx={of.pbx} />
                {[900, 1800, 2700].map((quarter) => (
                  <line
                    key={quarter}
                    class="hx-tick"
                    x1={x(hour + quarter)}
                    x2={x(hour + quarter)}
                    y1={y + HOUR_HIGH}
                    y2={y + HOUR_HIGH + 4}
                  />
                ))}
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}

interface GapsProps {
  readonly gaps: StripProps["gaps"];
  readonly from: number;
  readonly to: number;
  readonly x: (at: number) => number;
  readonly y: number;
  readonly high: number;
}

/** What was not heard, behind what was: also where no state of the seat is known at all. */
function Gaps({ gaps, from, to, x, y, high }: GapsProps) {
  return (
    <>
      {gaps
        .filter((gap) => gap.from < to && gap.to > from)
        .map((gap) => {
          const [left, right] = [x(Math.max(from, gap.from)), x(Math.min(to, gap.to))];
          return (
            <rect
              key={gap.from}
              class="hx-strip-gap"
              x={left}
              y={y}
              width={Math.max(1, right - left)}
              height={high}
            >
              <title>{historyWords.value.gapWhy}</title>
            </rect>
          );
        })}
    </>
  );
}

function Defs() {
  return (
    <defs>
      <Hatch id="hx-strip-hold" class="hx-hatch-hold" />
      <Hatch id="hx-strip-gap" class="hx-hatch-gap" />
    </defs>
  );
}

interface PiecesProps {
  readonly pieces: readonly (Piece & { readonly whole?: Piece })[];
  readonly x: (at: number) => number;
  readonly y: number;
  readonly high: number;
  readonly pbx: string;
}

/** States differ by height and pattern as well as by colour. */
const SHARE: Partial<Record<StripState, number>> = {
  available: 0.35,
  offered: 0.5,
  ringing: 0.7,
  wrap_up: 0.6,
  paused: 0.5,
  unreachable: 0.35,
  logged_out: 0.12,
};

function Pieces({ pieces, x, y, high, pbx }: PiecesProps) {
  return (
    <>
      {pieces.map((piece) => {
        const { state, from, to } = piece;
        const wide = Math.max(1, x(to) - x(from));
        const tall = Math.max(3, high * (SHARE[state] ?? 1));
        const word =
          state === "paused" ? pauseText(piece.reason) || stateText(state) : stateText(state);
        const time = shortDuration(to - from);
        const room = [...word].length * 13 + time.length * 7 + 14;
        const hatched = state === "gap" || state === "holding";
        return (
          <g key={from} class="hx-piece" data-state={state}>
            <rect x={x(from)} y={y + high - tall} width={wide} height={tall} />
            {hatched && (
              <rect
                class="hx-part-hatch"
                x={x(from)}
                y={y + high - tall}
                width={wide}
                height={tall}
              />
            )}
            {wide > room && tall >= 14 && (
              <text x={x(from) + 5} y={y + high - 5}>
                {word} {time}
              </text>
            )}
            <title>{titleOf(piece.whole ?? piece, pbx)}</title>
          </g>
        );
      })}
    </>
  );
}
