import { useComputed } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { FloorPlan, ViewChoice } from "../board/FloorPlan";
import { PlanEditor } from "../board/PlanEditor";
import { floorPlan } from "../board/settings";
import { arranging, view } from "../board/view";
import { board } from "../board/words";
import { messages } from "../i18n";
import { store } from "../live/store";
import { densityFor, densityOfPlan, type Group, TILES } from "../model/layout";
import { SEAT_STATES, type SeatState } from "../model/types";
import { density } from "./density";
import { Icon } from "./icons";
import { useRoom } from "./rooms";
import { SeatTile } from "./SeatTile";

const PHONE_PX = 640;
const EDGE_PX = 8;

export function Seats() {
  const t = messages.value;
  const groups = store.seatGroups.value;
  const box = useRef<HTMLElement>(null);
  useDensity(box, groups);
  useRoving(box, groups);
  const total = groups.reduce((sum, group) => sum + group.seats.length, 0);
  return (
    <section
      class="seats"
      id="seats"
      ref={box}
      aria-labelledby="seats-heading"
      data-density={density.value}
      onKeyDown={moveFocus}
    >
      <div class="seats-top">
        <h2 id="seats-heading">
          {t.seat.heading} <span class="faint">{total}</span>
        </h2>
        <ViewChoice />
        <StateCounts />
      </div>
      <p id="tile-hint" class="unseen">
        {board.value.menu.hint}
      </p>
      <Arrangement groups={groups} />
    </section>
  );
}

function Arrangement({ groups }: { groups: readonly Group[] }) {
  if (view.value === "plan") return arranging.value ? <PlanEditor /> : <FloorPlan />;
  return (
    <>
      {groups.map((group) => (
        <SeatGroup key={group.id} group={group} alone={groups.length === 1 && group.name === ""} />
      ))}
    </>
  );
}

interface GroupProps {
  readonly group: Group;
  readonly alone: boolean;
}

function SeatGroup({ group, alone }: GroupProps) {
  const t = messages.value;
  const named = store.pbxKeys.value.length > 1;
  const name = group.name === "" ? t.seat.noGroup : group.name;
  const box = useRef<HTMLDivElement>(null);
  const room = useRoom(box);
  return (
    <div class="group" ref={box}>
      {!alone && (
        <h3 class="group-name">
          {named && <span class="faint">{group.pbx} </span>}
          {name} <span class="faint">{group.seats.length}</span>
        </h3>
      )}
      <ul class="tiles" aria-label={name}>
        {group.seats.map((key) => (
          <SeatTile key={key} id={key} room={room} />
        ))}
      </ul>
    </div>
  );
}

/** One tile is reached by Tab, the one that had the focus last; the arrow keys walk from there. */
function useRoving(box: { readonly current: HTMLElement | null }, groups: readonly Group[]): void {
  const stop = useRef<string | null>(null);
  const plan = floorPlan.kept.value.value;
  useLayoutEffect(() => {
    const section = box.current;
    if (section === null) return undefined;
    const tile = (key: string | null) =>
      key === null ? null : section.querySelector<HTMLElement>(`[data-seat="${CSS.escape(key)}"]`);
    const move = (to: HTMLElement | null) => {
      const before = section.querySelector<HTMLElement>('[data-seat][tabindex="0"]');
      if (before !== to) before?.setAttribute("tabindex", "-1");
      to?.setAttribute("tabindex", "0");
    };
    move(tile(stop.current) ?? section.querySelector<HTMLElement>("[data-seat]"));
    const follow = (event: FocusEvent) => {
      const at = event.target;
      if (!(at instanceof HTMLElement) || at.dataset.seat === undefined) return;
      stop.current = at.dataset.seat;
      move(at);
    };
    section.addEventListener("focusin", follow);
    return () => section.removeEventListener("focusin", follow);
  }, [box, groups, view.value, plan]);
}

/** How many seats are in each state: what a supervisor asks first when all is calm. */
export function StateCounts() {
  return (
    <ul class="counts">
      {SEAT_STATES.map((state) => (
        <StateCount key={state} state={state} />
      ))}
    </ul>
  );
}

/** Every state keeps its place, so that nothing jumps when a count falls to none. */
function StateCount({ state }: { state: SeatState }) {
  const t = messages.value;
  const count = store.floor.counts[state];
  const none = useComputed(() => count.value === 0);
  if (state === "offered" && none.value) return null;
  return (
    <li data-state={state} data-none={none.value ? "yes" : "no"}>
      <Icon name={state} />
      <span>{t.state[state]}</span>
      <b>{count}</b>
    </li>
  );
}

/** The largest tiles with which every seat is seen without scrolling. */
function useDensity(box: { readonly current: HTMLElement | null }, groups: readonly Group[]): void {
  const sizes = groups.map((group) => group.seats.length).join(" ");
  const plan = view.value === "plan" ? floorPlan.kept.value.value : null;
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
      const { columns, rows, seats: placed } = floorPlan.kept.peek().value;
      density.value =
        view.value === "plan" && placed.size > 0
          ? densityOfPlan(columns, rows, element.clientWidth, height)
          : densityFor(seats, element.clientWidth, height);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(board);
    for (const child of board.children) observer.observe(child);
    return () => observer.disconnect();
  }, [sizes, box, plan]);
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
