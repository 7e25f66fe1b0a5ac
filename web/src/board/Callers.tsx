import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { messages } from "../i18n";
import { duration } from "../model/format";
import type { Queue, Waiting } from "../model/types";
import { openMenu } from "./menu";
import { Ticking } from "./Ticking";
import { board } from "./words";

/** In the card itself; the others are one click away, so that no card changes its height. */
const AT_HAND = 2;
const LISTED = 60;

/** Who waits in a queue, the oldest first. */
export function Callers({ id, queue }: { id: string; queue: Queue }) {
  const t = board.value.queue;
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const { waiting } = queue;
  const rest = waiting.length - AT_HAND;
  useEffect(() => {
    const away = (event: Event) => {
      const escaped = event instanceof KeyboardEvent && event.key === "Escape";
      const outside =
        event instanceof PointerEvent &&
        event.target instanceof Element &&
        !box.current?.contains(event.target) &&
        event.target.closest(".menu, .veil") === null;
      if (escaped || outside) open.value = false;
    };
    addEventListener("keydown", away);
    addEventListener("pointerdown", away);
    return () => {
      removeEventListener("keydown", away);
      removeEventListener("pointerdown", away);
    };
  }, [open]);
  return (
    <div class="callers" ref={box}>
      <ol class="callers-first" aria-label={t.callers}>
        {waiting.slice(0, AT_HAND).map((caller) => (
          <li key={caller.call}>
            <Caller id={id} queue={queue} caller={caller} />
          </li>
        ))}
      </ol>
      {rest > 0 && (
        <button
          type="button"
          class="callers-more"
          aria-expanded={open.value}
          onClick={() => {
            open.value = !open.value;
          }}
        >
          {t.more(rest)}
        </button>
      )}
      {open.value && waiting.length > 0 && (
        <ol class="panel callers-all" aria-label={t.callers}>
          {waiting.slice(0, LISTED).map((caller, place) => (
            <li key={caller.call}>
              <span class="callers-place">{place + 1}</span>
              <Caller id={id} queue={queue} caller={caller} />
            </li>
          ))}
          {waiting.length > LISTED && <li class="faint">{t.more(waiting.length - LISTED)}</li>}
        </ol>
      )}
    </div>
  );
}

interface CallerProps {
  readonly id: string;
  readonly queue: Queue;
  readonly caller: Waiting;
}

function Caller({ id, queue, caller }: CallerProps) {
  const t = messages.value;
  return (
    <button
      type="button"
      class="caller"
      data-call={caller.call}
      aria-haspopup="menu"
      onClick={(event) =>
        openMenu({ kind: "caller", queue: id, call: caller.call }, event.currentTarget)
      }
    >
      <span class="caller-number">{caller.caller ?? t.seat.noAnonymous}</span>
      <b>
        <Ticking pbx={queue.pbx} text={(now) => duration(now - caller.joined_at)} />
      </b>
    </button>
  );
}
