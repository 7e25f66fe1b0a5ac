import { type Signal, useComputed, useSignal } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { messages } from "../i18n";
import { store } from "../live/store";
import { type Density, densityFor, type Group, TILES } from "../model/layout";
import { SEAT_STATES, type SeatState } from "../model/types";
import { Icon } from "./icons";
import { SeatTile } from "./SeatTile";

const PHONE_PX = 640;
const EDGE_PX = 8;

export function Seats() {
  const t = messages.value;
  const groups = store.seatGroups.value;
  const box = useRef<HTMLElement>(null);
  const density = useDensity(box, groups);
  const roving = useSignal<string | null>(null);
  const first = groups[0]?.seats[0] ?? null;
  const total = groups.reduce((sum, group) => sum + group.seats.length, 0);
  return (
    <section
      class="seats"
      id="seats"
      ref={box}
      aria-labelledby="seats-heading"
      data-density={density}
      onKeyDown={moveFocus}
    >
      <div class="seats-top">
        <h2 id="seats-heading">
          {t.seat.heading} <span class="faint">{total}</span>
        </h2>
        <StateCounts />
      </div>
      {groups.map((group) => (
        <SeatGroup
          key={group.id}
          group={group}
          alone={groups.length === 1 && group.name === ""}
          roving={roving}
          first={first}
        />
      ))}
    </section>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly alone: boolean;
  readonly roving: Signal<string | null>;
  readonly first: string | null;
}

function SeatGroup({ group, alone, roving, first }: GroupProps) {
  const t = messages.value;
  const named = store.pbxKeys.value.length > 1;
  const name = group.name === "" ? t.seat.noGroup : group.name;
  return (
    <div class="group">
      {!alone && (
        <h3 class="group-name">
          {named && <span class="faint">{group.pbx} </span>}
          {name} <span class="faint">{group.seats.length}</span>
        </h3>
      )}
      <ul class="tiles" aria-label={name}>
        {group.seats.map((key) => (
          <SeatTile key={key} id={key} roving={roving} first={first} />
        ))}
      </ul>
    </div>
  );
}

/** How many seats are in each state: what a supervisor asks first when all is calm. */
export function StateCounts() {
  const t = messages.value;
  const counts = useComputed(() => {
    const found = new Map<SeatState, number>();
    for (const group of store.seatGroups.value)
      for (const key of group.seats) {
        const state = store.seat(key)?.state;
        if (state !== undefined) found.set(state, (found.get(state) ?? 0) + 1);
      }
    return SEAT_STATES.map((state) => `${state} ${found.get(state) ?? 0}`).join(",");
  });
  // Every state keeps its place, so that nothing jumps when a count falls to none.
  const shown = counts.value
    .split(",")
    .map((entry) => entry.split(" ") as [SeatState, string])
    .filter(([state, count]) => state !== "offered" || count !== "0");
  return (
    <ul class="counts">
      {shown.map(([state, count]) => (
        <li key={state} data-state={state} data-none={count === "0" ? "yes" : "no"}>
          <Icon name={state} />
          <span>{t.state[state]}</span>
          <b>{count}</b>
        </li>
      ))}
    </ul>
  );
}

/** The largest tiles with which every seat is seen without scrolling. */
function useDensity(box: { current: HTMLElement | null }, groups: readonly Group[]): Density {
  const density = useSignal<Density>("roomy");
  const sizes = groups.map((group) => group.seats.length).join(" ");
  useEffect(() => {
    const element = box.current;
    const board = element?.closest(".board");
    if (!element || !board) return undefined;
    const lane = board.querySelector<HTMLElement>(".lane");
    const measure = () => {
      if (innerWidth < PHONE_PX) {
        density.value = "compact";
        return;
      }
      // Opened by hand for a moment: no reason to make every tile smaller.
      if (lane?.dataset.expanded === "yes") return;
      const top = element.querySelector(".seats-top")?.clientHeight ?? 0;
      const above = element.getBoundingClientRect().top - board.getBoundingClientRect().top;
      // Counted without the banners: tiles must not change because the feed stops.
      const header = document.querySelector(".header")?.clientHeight ?? 0;
      const height = innerHeight - header - (above + board.scrollTop) - top - EDGE_PX;
      const seats = sizes === "" ? [] : sizes.split(" ").map(Number);
      density.value = densityFor(seats, element.clientWidth, height);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(board);
    for (const child of board.children) observer.observe(child);
    return () => observer.disconnect();
  }, [sizes, density]);
  return density.value;
}

/** Arrow keys walk over the tiles as they stand. */
function moveFocus(event: TargetedKeyboardEvent<HTMLElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-seat]")];
  const at = tiles.indexOf(event.target as HTMLElement);
  const here = tiles[at];
  if (here === undefined) return;
  const to = target(event.key, tiles, at, here);
  if (to === undefined) return;
  event.preventDefault();
  to.focus();
}

function target(
  key: string,
  tiles: readonly HTMLElement[],
  at: number,
  here: HTMLElement,
): HTMLElement | undefined {
  switch (key) {
    case "ArrowRight":
      return tiles[at + 1];
    case "ArrowLeft":
      return tiles[at - 1];
    case "Home":
      return tiles[0];
    case "End":
      return tiles[tiles.length - 1];
    case "ArrowDown":
      return nearestInRow(here, tiles.slice(at + 1), 1);
    case "ArrowUp":
      return nearestInRow(here, tiles.slice(0, at).reverse(), -1);
    default:
      return undefined;
  }
}

function nearestInRow(
  here: HTMLElement,
  others: readonly HTMLElement[],
  way: 1 | -1,
): HTMLElement | undefined {
  const from = here.getBoundingClientRect();
  let row: number | null = null;
  let best: HTMLElement | undefined;
  let bestAway = Number.POSITIVE_INFINITY;
  for (const other of others) {
    const rect = other.getBoundingClientRect();
    if ((rect.top - from.top) * way < TILES.tiny.height / 2) continue;
    row ??= rect.top;
    if (Math.abs(rect.top - row) > 1) break;
    const away = Math.abs(rect.left - from.left);
    if (away < bestAway) {
      best = other;
      bestAway = away;
    }
  }
  return best;
}
