import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { store } from "../live/store";
import { say } from "./control";
import { freeSquare, type Plan, placed, resized, type Square, taken, unplaced } from "./plan";
import { floorPlan } from "./settings";
import { arranging } from "./view";
import { board } from "./words";

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Dragged {
  readonly key: string;
  readonly x: number;
  readonly y: number;
  readonly moved: boolean;
}

/** The floor plan while it is arranged: by the pointer, or by the keyboard alone. */
export function PlanEditor() {
  const t = board.value.view;
  const c = common.value;
  const plan = useSignal<Plan>(floorPlan.kept.peek().value);
  const told = useSignal("");
  const dragged = useSignal<Dragged | null>(null);
  const busy = useSignal(false);
  const grid = useRef<HTMLDivElement>(null);
  const focusOn = useRef<string | null>(null);
  const keys = store.seatGroups.value.flatMap(({ seats }) => seats);
  const rest = unplaced(plan.value, keys);
  const { columns, rows } = plan.value;
  const label = (key: string) => store.seat(key)?.label ?? key;

  useEffect(() => {
    // What was moved is drawn anew in its new place; whoever moved it goes on from there.
    const key = focusOn.current;
    focusOn.current = null;
    if (key === null) return;
    document.querySelector<HTMLElement>(`[data-places="${CSS.escape(key)}"]`)?.focus();
  });
  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => {
      if (plan.peek() !== floorPlan.kept.peek().value) event.preventDefault();
    };
    addEventListener("beforeunload", leaving);
    return () => removeEventListener("beforeunload", leaving);
  }, []);

  const put = (key: string, at: Square) => {
    const next = placed(plan.value, key, at);
    if (next === plan.value) return;
    plan.value = next;
    told.value = t.placed(label(key), at.x + 1, at.y + 1);
  };
  const back = (key: string) => {
    plan.value = taken(plan.value, key);
    told.value = t.removed(label(key));
  };
  const onKey = (event: KeyboardEvent, key: string) => {
    const at = plan.value.seats.get(key);
    const step = STEPS[event.key];
    if (event.key === "Enter" || event.key === " ") {
      const free = at === undefined ? freeSquare(plan.value) : null;
      if (free !== null) put(key, free);
    } else if (at !== undefined && (event.key === "Delete" || event.key === "Backspace")) back(key);
    else if (at !== undefined && step !== undefined)
      put(key, { x: at.x + step[0], y: at.y + step[1] });
    else return;
    focusOn.current = key;
    event.preventDefault();
    event.stopPropagation();
  };
  const onDrop = (key: string, x: number, y: number) => {
    const around = grid.current?.getBoundingClientRect();
    if (around === undefined) return;
    const inside = x >= around.left && x < around.right && y >= around.top && y < around.bottom;
    focusOn.current = key;
    if (!inside) {
      if (plan.value.seats.has(key)) back(key);
      return;
    }
    put(key, {
      x: Math.floor(((x - around.left) / around.width) * columns),
      y: Math.floor(((y - around.top) / around.height) * rows),
    });
  };
  const save = async () => {
    busy.value = true;
    const problem = await floorPlan.save(plan.value);
    busy.value = false;
    if (problem === null) {
      arranging.value = false;
      say(board.value.done.plan);
    } else if (problem.status === 412 || problem.status === 409) {
      plan.value = floorPlan.kept.peek().value;
      say(t.changed, false);
    } else say(problemText(problem), false);
  };
  const piece = (key: string) => {
    const at = plan.value.seats.get(key);
    const moving = dragged.value?.key === key && dragged.value.moved ? dragged.value : null;
    const agent = store.seat(key)?.agent ?? "";
    const name = `${label(key)} ${agent}`.trim();
    return (
      <button
        key={key}
        type="button"
        class="piece"
        data-places={key}
        data-moving={moving === null ? "no" : "yes"}
        aria-label={at === undefined ? `${name} ${t.tray}` : t.placed(name, at.x + 1, at.y + 1)}
        style={{
          ...(at === undefined ? {} : { gridColumn: `${at.x + 1}`, gridRow: `${at.y + 1}` }),
          ...(moving === null ? {} : { transform: `translate(${moving.x}px, ${moving.y}px)` }),
        }}
        onKeyDown={(event) => onKey(event, key)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = { x: event.clientX, y: event.clientY };
          dragged.value = { key, x: 0, y: 0, moved: false };
        }}
        onPointerMove={(event) => {
          if (dragged.value?.key !== key) return;
          const x = event.clientX - from.current.x;
          const y = event.clientY - from.current.y;
          const moved = dragged.value.moved || Math.abs(x) + Math.abs(y) > 4;
          dragged.value = { key, x, y, moved };
        }}
        onPointerUp={(event) => {
          const was = dragged.value;
          dragged.value = null;
          if (was?.moved) onDrop(key, event.clientX, event.clientY);
        }}
        onPointerCancel={() => {
          dragged.value = null;
        }}
      >
        <b>{label(key)}</b> <span>{agent}</span>
      </button>
    );
  };
  const from = useRef({ x: 0, y: 0 });
  const known = new Set(keys);
  const here = [...plan.value.seats].filter(([key]) => known.has(key));
  return (
    <div class="plan-editor">
      <div class="plan-tools">
        <p>{t.help}</p>
        <Size
          name="↔"
          value={columns}
          onChange={(value) => {
            plan.value = resized(plan.value, value, rows);
          }}
        />
        <Size
          name="↕"
          value={rows}
          onChange={(value) => {
            plan.value = resized(plan.value, columns, value);
          }}
        />
        <button
          type="button"
          class="button"
          data-kind="quiet"
          onClick={() => {
            plan.value = { ...plan.value, seats: new Map() };
          }}
        >
          {t.clear}
        </button>
        <button
          type="button"
          class="button"
          data-kind="quiet"
          onClick={() => {
            arranging.value = false;
          }}
        >
          {c.cancel}
        </button>
        <button
          type="button"
          class="button"
          data-kind="primary"
          data-does="save-plan"
          disabled={busy.value}
          onClick={() => void save()}
        >
          {t.save}
        </button>
      </div>
      <div class="plan-scroll">
        <div
          class="plan plan-squares"
          ref={grid}
          style={{ "--columns": `${columns}`, "--rows": `${rows}` }}
        >
          {here.map(([key]) => piece(key))}
        </div>
      </div>
      <h3 class="group-name">
        {t.tray} <span class="faint">{rest.length}</span>
      </h3>
      <div class="tray">{rest.map(piece)}</div>
      <p class="unseen" role="status">
        {told.value}
      </p>
    </div>
  );
}

interface SizeProps {
  readonly name: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function Size({ name, value, onChange }: SizeProps) {
  return (
    <label class="plan-size">
      <span>{name}</span>
      <input
        type="number"
        min={1}
        max={60}
        value={value}
        onChange={(event) => onChange(Number(event.currentTarget.value) || value)}
      />
    </label>
  );
}
