import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Answer, Problem } from "../api/client";
import { common } from "../i18n/common";
import { form, loadForm } from "../live/form";
import { labelText, problemText } from "../live/problem";
import { store } from "../live/store";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { queueLabel } from "../ui/words";
import { act, askControl, choosePhone, isProblem, known, say, type Target } from "./control";
import { finish, nameOf } from "./doing";
import { asking } from "./menu";
import type { Act, Place } from "./types";
import { board } from "./words";

const TEXT_MAX = 500;

function close(): void {
  asking.value = null;
}

/** The dialog that asks for what an act still needs, or whether it is meant. */
export function Asking() {
  const asked = asking.value;
  if (asked === null) return null;
  const { target } = asked;
  switch (asked.act) {
    case "pause":
      return <Pause target={target} />;
    case "logout":
      return <LogOut target={target} />;
    case "redirect":
      return <Redirect target={target} />;
    case "hangup":
      return <HangUp target={target} />;
    case "message":
      return <Message target={target} />;
    case "phone":
      return <Phone target={target} />;
    default:
      return null;
  }
}

function seatOf(target: Target) {
  return target.kind === "seat" ? store.seat(target.key) : undefined;
}

function callOf(target: Target): { pbx: string; call: string } | null {
  if (target.kind === "caller") {
    const pbx = store.queue(target.queue)?.pbx;
    return pbx === undefined ? null : { pbx, call: target.call };
  }
  const seat = store.seat(target.key);
  return seat === undefined || seat.call === null ? null : { pbx: seat.pbx, call: seat.call };
}

interface FormProps {
  readonly title: string;
  readonly act: Act | "phone";
  readonly does: string;
  readonly danger?: boolean;
  readonly can?: boolean;
  /** Do it; null: it cannot be done any more. */
  readonly onDo: () => Promise<Answer<unknown> | null>;
  /** It was done. */
  readonly onDone: (answer: Answer<unknown>) => void;
  readonly children: ComponentChildren;
}

function AskForm({ title, act, does, danger, can = true, onDo, onDone, children }: FormProps) {
  const c = common.value;
  const busy = useSignal(false);
  const problem = useSignal<Problem | null>(null);
  const submit = async () => {
    if (busy.value || !can) return;
    busy.value = true;
    const answer = await onDo();
    busy.value = false;
    if (answer === null) {
      say(board.value.whyNot.noCall, false);
      close();
    } else if (answer.ok) {
      onDone(answer);
      close();
    } else problem.value = answer.problem;
  };
  return (
    <Dialog title={title} onClose={close}>
      <form
        class="ask"
        data-asks={act}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        {problem.value !== null && (
          <p class="problem" role="alert">
            <Icon name="breach" />
            {problemText(problem.value)}
          </p>
        )}
        <div class="dialog-actions">
          <button
            type="button"
            class="button"
            data-kind="quiet"
            data-first={act === "hangup" ? "yes" : undefined}
            onClick={close}
          >
            {c.cancel}
          </button>
          <button
            type="submit"
            class="button"
            data-kind={danger ? "urgent" : "primary"}
            aria-pressed={danger ? "true" : undefined}
            disabled={busy.value || !can}
          >
            {does}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Pause({ target }: { target: Target }) {
  const t = board.value;
  const chosen = useSignal<string | null>(null);
  useEffect(() => void loadForm(), []);
  const reasons = form.value?.pauses ?? [];
  return (
    <AskForm
      title={t.ask.pause(nameOf(target))}
      act="pause"
      does={t.menu.pause.replace(" …", "")}
      can={chosen.value !== null}
      onDo={async () => {
        const seat = seatOf(target);
        if (seat === undefined) return null;
        return act("pause", { pbx: seat.pbx, seat: seat.seat, reason: chosen.value });
      }}
      onDone={(answer) => finish("pause", target, answer)}
    >
      {form.value !== null && reasons.length === 0 && <p>{t.ask.noReasons}</p>}
      <fieldset class="ask-choices">
        <legend class="label">{t.ask.reason}</legend>
        {reasons.map(({ key, label }) => (
          <label key={key} class="check">
            <input
              type="radio"
              name="reason"
              value={key}
              checked={chosen.value === key}
              onChange={() => {
                chosen.value = key;
              }}
            />
            {labelText(label)}
          </label>
        ))}
      </fieldset>
    </AskForm>
  );
}

function LogOut({ target }: { target: Target }) {
  const t = board.value;
  const seat = seatOf(target);
  const places = useSignal<readonly Place[]>([]);
  const chosen = useSignal("");
  useEffect(() => {
    if (seat === undefined) return;
    void askControl(seat.pbx, seat.seat).then((found) => {
      places.value = found?.places ?? [];
    });
  }, []);
  if (seat === undefined) return null;
  const queues = [...new Set([...places.value.map(({ queue }) => queue), ...seat.queues])];
  const note = (queue: string) => {
    const place = places.value.find((found) => found.queue === queue);
    if (place?.note) return labelText(place.note);
    return place?.how === "paused" ? t.ask.fixed : "";
  };
  return (
    <AskForm
      title={t.ask.logout(nameOf(target))}
      act="logout"
      does={t.ask.logoutDo}
      onDo={() => act("logout", { pbx: seat.pbx, seat: seat.seat, queue: chosen.value || null })}
      onDone={(answer) => finish("logout", target, answer)}
    >
      <fieldset class="ask-choices">
        <legend class="label">{messagesQueue()}</legend>
        {["", ...queues].map((queue) => (
          <label key={queue} class="check">
            <input
              type="radio"
              name="queue"
              value={queue}
              checked={chosen.value === queue}
              onChange={() => {
                chosen.value = queue;
              }}
            />
            {queue === "" ? t.ask.allQueues : queueLabel(seat.pbx, queue)}
            {queue !== "" && <small class="faint">{note(queue)}</small>}
          </label>
        ))}
      </fieldset>
    </AskForm>
  );
}

function messagesQueue(): string {
  return board.value.menu.logout.replace(" …", "");
}

function Redirect({ target }: { target: Target }) {
  const t = board.value;
  const to = useSignal("");
  return (
    <AskForm
      title={t.ask.redirect(nameOf(target))}
      act="redirect"
      does={t.ask.redirectDo}
      danger
      can={to.value.trim() !== ""}
      onDo={async () => {
        const call = callOf(target);
        return call === null ? null : act("redirect", { ...call, to: to.value.trim() });
      }}
      onDone={(answer) => finish("redirect", target, answer, to.value.trim())}
    >
      <p>{t.ask.redirectNote}</p>
      <label class="field">
        <span class="label">{t.ask.to}</span>
        <input
          type="text"
          inputMode="tel"
          autocomplete="off"
          maxLength={40}
          value={to.value}
          onInput={(event) => {
            to.value = event.currentTarget.value;
          }}
        />
      </label>
    </AskForm>
  );
}

function HangUp({ target }: { target: Target }) {
  const t = board.value;
  // The call that was meant, whatever the seat does meanwhile.
  const call = useSignal(callOf(target));
  return (
    <AskForm
      title={t.ask.hangup(nameOf(target))}
      act="hangup"
      does={t.ask.hangupDo}
      danger
      onDo={async () => (call.value === null ? null : act("hangup", call.value))}
      onDone={(answer) => finish("hangup", target, answer)}
    >
      <p>{t.ask.hangupNote}</p>
    </AskForm>
  );
}

function Message({ target }: { target: Target }) {
  const t = board.value;
  const text = useSignal("");
  const urgent = useSignal(false);
  const login = useSignal(seatOf(target)?.person ?? null);
  return (
    <AskForm
      title={t.ask.message(nameOf(target))}
      act="message"
      does={t.ask.send}
      can={text.value.trim() !== ""}
      onDo={async () => {
        if (login.value === null) return null;
        const level = urgent.value ? "urgent" : "info";
        return act("message", { login: login.value, text: text.value.trim(), level });
      }}
      onDone={(answer) => finish("message", target, answer)}
    >
      <label class="field">
        <span class="label">{t.ask.text}</span>
        <textarea
          rows={3}
          maxLength={TEXT_MAX}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={urgent.value}
          onChange={(event) => {
            urgent.value = event.currentTarget.checked;
          }}
        />
        {t.ask.urgent}
      </label>
    </AskForm>
  );
}

function Phone({ target }: { target: Target }) {
  const t = board.value;
  const seat = seatOf(target);
  const found = seat === undefined ? undefined : known.value.get(seat.pbx);
  const control = found === undefined || isProblem(found) ? null : found;
  const chosen = useSignal(control?.phone?.chosen ? control.phone.device : "");
  if (seat === undefined || control === null) return null;
  return (
    <AskForm
      title={t.ask.phone}
      act="phone"
      does={common.value.save}
      onDo={() => choosePhone(seat.pbx, chosen.value || null)}
      onDone={() => say(t.done.phone(chosen.value || t.ask.phoneSeat))}
    >
      <p>{t.ask.phoneNote}</p>
      <label class="field">
        <span class="label">{t.ask.phone}</span>
        <select
          value={chosen.value}
          onChange={(event) => {
            chosen.value = event.currentTarget.value;
          }}
        >
          <option value="">{t.ask.phoneSeat}</option>
          {control.phones.map((device) => (
            <option key={device} value={device}>
              {device}
            </option>
          ))}
        </select>
      </label>
    </AskForm>
  );
}
