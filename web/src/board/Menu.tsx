import { useLayoutEffect, useRef } from "preact/hooks";
import { messages } from "../i18n";
import { store } from "../live/store";
import { Icon, type IconName } from "../ui/icons";
import { stateWord } from "../ui/words";
import {
  act,
  askControl,
  callerForbids,
  isProblem,
  known,
  ofCaller,
  ofSeat,
  seatForbids,
  type Target,
  whyNot,
} from "./control";
import { asking, closeMenu, opened } from "./menu";
import { finish } from "./doing";
import type { Act } from "./types";
import { board } from "./words";

const EDGE_PX = 8;
/** Acts that need nothing more than the click. */
const AT_ONCE: ReadonlySet<Act> = new Set<Act>([
  "listen",
  "whisper",
  "barge",
  "unpause",
  "move_up",
]);

const ICONS: Record<Act, IconName> = {
  listen: "sound",
  whisper: "talking",
  barge: "internal",
  pause: "paused",
  unpause: "available",
  logout: "logged_out",
  move_up: "outbound",
  redirect: "inbound",
  hangup: "unreachable",
  message: "order",
};

/** What may be done to the seat or caller that was chosen; closed by Escape, a click or Tab away. */
export function ControlMenu() {
  const shown = opened.value;
  if (shown === null) return null;
  return <Open key={JSON.stringify(shown.target)} target={shown.target} anchor={shown.anchor} />;
}

function Open({ target, anchor }: { target: Target; anchor: HTMLElement }) {
  const t = board.value;
  const box = useRef<HTMLDivElement>(null);
  const about = aboutOf(target);
  const gone = about === null;
  useLayoutEffect(() => {
    if (about !== null) void askControl(about.pbx);
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (gone) closeMenu();
    if (element === null) return undefined;
    place(element, anchor);
    element.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const away = (event: Event) => {
      const inside = event.target instanceof Node && element.contains(event.target);
      if (!inside) closeMenu();
    };
    addEventListener("pointerdown", away);
    addEventListener("resize", closeMenu);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("resize", closeMenu);
      if (element.contains(document.activeElement) && anchor.isConnected) anchor.focus();
    };
  }, [anchor, gone]);
  // The reasons come a moment later and may make it taller.
  useLayoutEffect(() => {
    if (box.current !== null) place(box.current, anchor);
  });
  if (about === null) return null;
  const { pbx, name, acts, forbids } = about;
  const control = known.value.get(pbx);
  const phone = control === undefined || isProblem(control) ? undefined : control.phone;
  return (
    <div
      class="menu"
      role="menu"
      aria-label={t.menu.of(name)}
      ref={box}
      onKeyDown={(event) => walk(event, anchor)}
    >
      <p class="menu-title" role="presentation">
        <strong>{name}</strong>
        <span>{about.detail}</span>
      </p>
      {acts.map((name) => {
        const why = whyNot(name, pbx, forbids(name));
        const not = why !== null;
        return (
          <button
            key={name}
            type="button"
            class="menu-act"
            role="menuitem"
            tabIndex={-1}
            data-act={name}
            aria-disabled={not}
            onClick={() => {
              if (not) return;
              closeMenu();
              if (AT_ONCE.has(name)) void doAtOnce(name, target);
              else asking.value = { act: name, target };
            }}
          >
            <Icon name={ICONS[name]} />
            <span>{t.menu[name]}</span>
            {not && <small>{why ?? t.menu.asking}</small>}
          </button>
        );
      })}
      {target.kind === "seat" && phone !== undefined && (
        <button
          type="button"
          class="menu-act menu-phone"
          role="menuitem"
          tabIndex={-1}
          data-act="phone"
          onClick={() => {
            closeMenu();
            asking.value = { act: "phone", target };
          }}
        >
          <Icon name="phone" />
          <span>{t.menu.choosePhone}</span>
          <small>{phone === null ? t.menu.noPhone : t.menu.myPhone(phone.device)}</small>
        </button>
      )}
    </div>
  );
}

interface About {
  readonly pbx: string;
  readonly name: string;
  readonly detail: string;
  readonly acts: readonly Act[];
  readonly forbids: (act: Act) => string | null;
}

function aboutOf(target: Target): About | null {
  const t = messages.value;
  if (target.kind === "seat") {
    const seat = store.seat(target.key);
    if (seat === undefined) return null;
    return {
      pbx: seat.pbx,
      name: `${seat.label} ${seat.agent ?? t.seat.nobody}`,
      detail: stateWord(seat),
      acts: ofSeat,
      forbids: (name) => seatForbids(name, seat),
    };
  }
  const queue = store.queue(target.queue);
  const place = queue?.waiting.findIndex(({ call }) => call === target.call) ?? -1;
  const caller = queue?.waiting[place];
  // Whoever was answered meanwhile is no longer here to be moved.
  if (queue === undefined || caller === undefined) return null;
  return {
    pbx: queue.pbx,
    name: caller.caller ?? t.seat.noAnonymous,
    detail: `${queue.label}${t.separator}${board.value.queue.position(place + 1)}`,
    acts: ofCaller,
    forbids: (name) => callerForbids(name, queue, target.call),
  };
}

async function doAtOnce(name: Act, target: Target): Promise<void> {
  if (target.kind === "seat") {
    const seat = store.seat(target.key);
    if (seat === undefined) return;
    const { pbx, seat: device } = seat;
    finish(name, target, await act(name, { pbx, seat: device }));
  } else {
    const pbx = store.queue(target.queue)?.pbx;
    if (pbx === undefined) return;
    finish(name, target, await act(name, { pbx, call: target.call }));
  }
}

function walk(event: KeyboardEvent, anchor: HTMLElement): void {
  const box = event.currentTarget;
  if (!(box instanceof HTMLElement)) return;
  const items = [...box.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.findIndex((item) => item === document.activeElement);
  const to = {
    ArrowDown: items[(at + 1) % items.length],
    ArrowUp: items[(at - 1 + items.length) % items.length],
    Home: items[0],
    End: items[items.length - 1],
  }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    closeMenu();
    anchor.focus();
  } else if (to === undefined) return;
  to?.focus();
  event.preventDefault();
  event.stopPropagation();
}

/** Beside its anchor, and wholly in sight. */
function place(box: HTMLElement, anchor: HTMLElement): void {
  const around = anchor.getBoundingClientRect();
  const own = box.getBoundingClientRect();
  const below = around.bottom + 4;
  const top = below + own.height + EDGE_PX <= innerHeight ? below : around.top - 4 - own.height;
  const least = Math.min(Math.max(EDGE_PX, top), innerHeight - own.height - EDGE_PX);
  box.style.top = `${Math.max(EDGE_PX, least)}px`;
  box.style.left = `${Math.max(EDGE_PX, Math.min(around.left, innerWidth - own.width - EDGE_PX))}px`;
}
