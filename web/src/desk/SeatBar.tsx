import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { PauseReason } from "../api/types";
import { form } from "../live/form";
import { me } from "../live/session";
import { labelText } from "../live/problem";
import { duration } from "../model/format";
import { Icon } from "../ui/icons";
import { Live } from "../ui/parts";
import { ready, toggleMine } from "./actions";
import { keyOf } from "./hotkeys";
import { figures, loadMine } from "./ownday";
import { liveSeat, mySeat, seatCommand } from "./state";
import { dialog, keys, nowOf, pauseAsked, show, tab } from "./ui";
import { deskWords } from "./words";

const CLASSES = ["rest", "work", "training"] as const;

/** Tabs of the desk, and what the seat is doing about calls. */
export function SeatBar() {
  return (
    <>
      <Tabs />
      <Seat />
    </>
  );
}

function Tabs() {
  const t = deskWords.value;
  const pending = figures.value?.violations ?? 0;
  return (
    <nav class="tabs">
      {mySeat.value === null && (
        <button
          type="button"
          class="tab"
          aria-current={tab.value === "seat" ? "page" : undefined}
          onClick={() => show("seat")}
        >
          {t.tabs.seat}
        </button>
      )}
      <button
        type="button"
        class="tab"
        aria-current={tab.value === "work" ? "page" : undefined}
        onClick={() => show("work")}
      >
        {t.tabs.work}
      </button>
      <button
        type="button"
        class="tab"
        aria-current={tab.value === "mine" ? "page" : undefined}
        onClick={() => {
          if (tab.value !== "mine") toggleMine();
          else void loadMine();
        }}
      >
        {t.tabs.mine}
        {pending > 0 && <span class="count">{pending}</span>}
      </button>
    </nav>
  );
}

function Seat() {
  const t = deskWords.value.seat;
  const seat = mySeat.value;
  if (seat === null) return null;
  const live = liveSeat.value;
  const since = live?.state === "paused" ? live.since : null;
  const reason = form.value?.pauses.find(({ key }) => key === seat.pause_reason);
  return (
    <div class="seat-bar" data-ready={seat.ready ? "yes" : "no"}>
      <span class="seat-name" title={me.value?.name}>
        {t.signedInAt(seat.label)}
      </span>
      {!seat.reachable && (
        <span class="seat-trouble">
          <Icon name="breach" />
          {t.unreachable}
        </span>
      )}
      <button
        type="button"
        class="button"
        aria-pressed={seat.ready}
        title={seat.drives ? t.readyWhy : t.byPhone}
        onClick={() => void ready()}
      >
        <Icon name="available" />
        {t.ready}
        <kbd>{keyOf(keys.value, "ready")}</kbd>
      </button>
      <Pause
        active={!seat.ready}
        label={
          seat.ready
            ? t.pause
            : reason !== undefined
              ? labelText(reason.label)
              : (seat.pause_reason ?? t.pause)
        }
        since={seat.ready ? null : since}
        pbx={seat.pbx}
      />
      <button
        type="button"
        class="button"
        data-kind="quiet"
        onClick={() => {
          dialog.value = { is: "sign_out", done: null };
        }}
      >
        {t.signOut}
      </button>
    </div>
  );
}

interface PauseProps {
  readonly active: boolean;
  readonly label: string;
  readonly since: number | null;
  readonly pbx: string;
}

function Pause({ active, label, since, pbx }: PauseProps) {
  const t = deskWords.value.seat;
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const asked = useSignal(pauseAsked.peek());
  useSignalEffect(() => {
    if (pauseAsked.value === asked.peek()) return;
    asked.value = pauseAsked.value;
    open.value = true;
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(".menu-item")?.focus());
  });
  useEffect(() => {
    const away = (event: Event) => {
      const escaped = event instanceof KeyboardEvent && event.key === "Escape";
      const outside =
        event instanceof PointerEvent && !box.current?.contains(event.target as Node | null);
      if (escaped || outside) open.value = false;
    };
    addEventListener("keydown", away);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", away);
      removeEventListener("pointerdown", away);
    };
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(box.current?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!open.value || step === undefined || items.length === 0) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length]?.focus();
  };
  const pauses = form.value?.pauses ?? [];
  return (
    <div class="pause" ref={box} onKeyDown={onKeyDown}>
      <button
        type="button"
        class="button"
        aria-pressed={active}
        aria-expanded={open.value}
        aria-controls="pauses"
        title={t.pauseWhy}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name="paused" />
        {label}
        {since !== null && (
          <span class="pause-since">
            <Live text={() => duration((nowOf(pbx) ?? since) - since)} />
          </span>
        )}
        <kbd>{keyOf(keys.value, "pause")}</kbd>
      </button>
      <div id="pauses" class="panel pause-panel" hidden={!open.value}>
        {CLASSES.map((kind) => (
          <PauseClass
            key={kind}
            name={t.pauseClass[kind]}
            reasons={pauses.filter((pause) => pause.kind === kind)}
            onChoose={() => {
              open.value = false;
            }}
          />
        ))}
      </div>
    </div>
  );
}

interface PauseClassProps {
  readonly name: string;
  readonly reasons: readonly PauseReason[];
  readonly onChoose: () => void;
}

function PauseClass({ name, reasons, onChoose }: PauseClassProps) {
  if (reasons.length === 0) return null;
  return (
    <section>
      <h3 class="label">{name}</h3>
      {reasons.map(({ key, label }) => (
        <button
          key={key}
          type="button"
          class="menu-item"
          onClick={() => {
            onChoose();
            void seatCommand("pause", { reason: key });
          }}
        >
          {labelText(label)}
        </button>
      ))}
    </section>
  );
}
