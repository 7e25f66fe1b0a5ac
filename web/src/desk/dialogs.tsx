import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { api, type Problem } from "../api/client";
import type { Fault, JudgedViolation, Order } from "../api/types";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { loadMe } from "../live/session";
import { siteOffsetNow } from "../live/site";
import { store } from "../live/store";
import { DAY_S, dayStart, inputText, momentOf } from "../model/dates";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { callBack, numbersToCall } from "./actions";
import { Help } from "./Help";
import { appeal } from "./ownday";
import { Sounds } from "./Sounds";
import { command, earlier, mySeat, openOrder, owed, say, submit, view } from "./state";
import { closeDialog, dialog, moment, show, titleText } from "./ui";
import { deskWords } from "./words";

/** The dialog that is open, if one is. */
export function Dialogs() {
  const open = dialog.value;
  if (open === null) return null;
  switch (open.is) {
    case "help":
      return <Help />;
    case "sound":
      return <Sounds />;
    case "note":
      return <NoteDialog />;
    case "promise":
      return <PromiseDialog />;
    case "dial":
      return <DialDialog />;
    case "merge":
      return <MergeDialog />;
    case "not_urgent":
      return <NotUrgentDialog />;
    case "sign_out":
      return <SignOutDialog done={open.done} />;
    case "fault":
      return <FaultDialog seat={open.seat} />;
    case "appeal":
      return <AppealDialog judged={open.violation} />;
  }
}

interface TextDialogProps {
  readonly title: string;
  readonly lead?: string;
  readonly label: string;
  readonly action: string;
  /** Null when it was done; the dialog then closes. */
  readonly onSend: (text: string) => Promise<Problem | null>;
}

/** One text and one button; stays open with what was typed when it is refused. */
function TextDialog({ title, lead, label, action, onSend }: TextDialogProps) {
  const text = useSignal("");
  const refused = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (text.value.trim() === "" || busy.value) return;
    busy.value = true;
    refused.value = await onSend(text.value.trim());
    busy.value = false;
    if (refused.value === null) closeDialog();
  };
  return (
    <Dialog title={title} onClose={closeDialog}>
      <form onSubmit={(event) => void send(event)}>
        {lead !== undefined && <p>{lead}</p>}
        <div class="field">
          <label for="dialog-text">{label}</label>
          <textarea
            id="dialog-text"
            rows={4}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && event.ctrlKey) void send(event);
            }}
          />
        </div>
        <Refused problem={refused.value} />
        <Buttons>
          <button
            type="submit"
            class="button"
            data-kind="primary"
            disabled={busy.value || text.value.trim() === ""}
          >
            {action} <kbd>Ctrl+Enter</kbd>
          </button>
        </Buttons>
      </form>
    </Dialog>
  );
}

function Refused({ problem }: { problem: Problem | null }) {
  return (
    <div role="alert">
      {problem !== null && (
        <p class="problem">
          <Icon name="breach" />
          {problemText(problem)}
        </p>
      )}
    </div>
  );
}

function Buttons({ children }: { children: ComponentChildren }) {
  return (
    <div class="dialog-actions">
      <button type="button" class="button" data-kind="quiet" onClick={closeDialog}>
        {common.value.cancel}
      </button>
      {children}
    </div>
  );
}

function NoteDialog() {
  const t = deskWords.value.note;
  return (
    <TextDialog
      title={t.title}
      label={t.text}
      action={common.value.save}
      onSend={async (text) => {
        const refused = await command({ do: "note", text });
        if (refused === null) say(t.done);
        return refused;
      }}
    />
  );
}

function NotUrgentDialog() {
  const t = deskWords.value.order;
  return (
    <TextDialog
      title={t.notUrgent}
      label={t.notUrgentWhy}
      action={t.notUrgent}
      onSend={(reason) => command({ do: "not_urgent", reason })}
    />
  );
}

function FaultDialog({ seat }: { seat: { pbx: string; seat: string; label: string } }) {
  const t = deskWords.value.seat;
  return (
    <TextDialog
      title={t.report}
      label={t.reportLead(seat.label)}
      action={t.send}
      onSend={async (text) => {
        const answer = await api<Fault>("seat/faults", {
          method: "POST",
          body: { pbx: seat.pbx, seat: seat.seat, text },
        });
        if (!answer.ok) return answer.problem;
        say(t.reported);
        return null;
      }}
    />
  );
}

function AppealDialog({ judged }: { judged: JudgedViolation }) {
  const t = deskWords.value.mine;
  return (
    <TextDialog
      title={`${t.appealTitle} · ${messages.value.rule[judged.violation.rule]}`}
      lead={t.appealLead}
      label={t.reason}
      action={t.appeal}
      onSend={async (reason) => {
        const refused = await appeal(judged.violation.id, reason);
        if (refused === null) say(t.appealed);
        return refused;
      }}
    />
  );
}

function PromiseDialog() {
  const t = deskWords.value.promise;
  // The server's time: this computer's clock may be wrong.
  const now = store.serverNow.peek() ?? 0;
  // The site's zone: this browser may be anywhere.
  const offset_s = siteOffsetNow();
  const today = dayStart(now, offset_s);
  const text = useSignal("");
  const until = useSignal(inputText(now + 3600, offset_s));
  const refused = useSignal<Problem | null>(null);
  const pbx = view.value?.pbx ?? "";
  const quick: readonly (readonly [string, number])[] = [
    [t.inOneHour, now + 3600],
    [t.inTwoHours, now + 7200],
    [t.today, today + 17.5 * 3600],
    [t.tomorrow, today + DAY_S + 10 * 3600],
  ];
  const send = async (event: Event) => {
    event.preventDefault();
    const wall = momentOf(until.value, offset_s);
    if (text.value.trim() === "" || wall === null) return;
    const due_at = wall + (store.pbx(`pbx:${pbx}`)?.clock_offset_s ?? 0);
    refused.value = await command({ do: "promise", text: text.value.trim(), due_at });
    if (refused.value !== null) return;
    say(t.done);
    closeDialog();
  };
  return (
    <Dialog title={t.title} onClose={closeDialog}>
      <form class="stack" onSubmit={(event) => void send(event)}>
        <div class="field">
          <label for="promise-text">{t.text}</label>
          <textarea
            id="promise-text"
            rows={3}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        </div>
        <div class="field">
          <label for="promise-until">{t.until}</label>
          <input
            id="promise-until"
            type="datetime-local"
            value={until.value}
            onInput={(event) => {
              until.value = event.currentTarget.value;
            }}
          />
          <div class="choices">
            {quick
              .filter(([, at]) => at > now)
              .map(([name, at]) => (
                <button
                  key={name}
                  type="button"
                  class="button"
                  onClick={() => {
                    until.value = inputText(at, offset_s);
                  }}
                >
                  {name}
                </button>
              ))}
          </div>
        </div>
        <Refused problem={refused.value} />
        <Buttons>
          <button
            type="submit"
            class="button"
            data-kind="primary"
            disabled={text.value.trim() === "" || until.value === ""}
          >
            {common.value.save}
          </button>
        </Buttons>
      </form>
    </Dialog>
  );
}

function DialDialog() {
  const t = deskWords.value.dial;
  const numbers = numbersToCall();
  return (
    <Dialog title={t.title} onClose={closeDialog}>
      <p>{numbers.length === 0 ? t.none : mySeat.value?.dials === true ? t.lead : t.leadLink}</p>
      <ul class="pick-list">
        {numbers.map(({ number, label }) => (
          <li key={number}>
            <button
              type="button"
              class="button"
              data-first="yes"
              onClick={() => {
                closeDialog();
                void callBack(number);
              }}
            >
              <Icon name="phone" />
              {t.call(number)}
            </button>
            <span class="faint">{label}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function MergeDialog() {
  const t = deskWords.value.merge;
  const c = common.value;
  const own = view.value;
  const refused = useSignal<Problem | null>(null);
  const known = new Map<string, Order>();
  for (const order of [...(earlier.value?.orders ?? []), ...owed.value])
    if (order.id !== own?.id && order.merged_into === null) known.set(order.id, order);
  const merge = async (into: string) => {
    // What was typed into this order goes along with it.
    if (!(await submit("edit"))) {
      closeDialog();
      return;
    }
    refused.value = await command({ do: "merge", into }, own?.id);
    if (refused.value !== null) return;
    say(t.done);
    closeDialog();
    await openOrder(into);
  };
  return (
    <Dialog title={t.title} onClose={closeDialog}>
      <p>{known.size === 0 ? t.none : t.lead}</p>
      <Refused problem={refused.value} />
      <ul class="pick-list">
        {[...known.values()].map((order) => (
          <li key={order.id}>
            <button
              type="button"
              class="button"
              data-first="yes"
              onClick={() => void merge(order.id)}
            >
              {t.into}
            </button>
            <span>
              {titleText(order)}{" "}
              <span class="faint">
                {moment(order.opened_at, order.pbx)} · {c.orderState[order.state]}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function SignOutDialog({ done }: { done: readonly string[] | null }) {
  const t = deskWords.value.seat;
  const refused = useSignal<Problem | null>(null);
  const ids = new Set(done ?? owed.value.map(({ id }) => id));
  const orders = owed.value.filter(({ id }) => ids.has(id));
  const leave = async () => {
    const answer = await api<{ owed: string[] }>("seat/sign-out", { method: "POST", body: {} });
    if (!answer.ok) {
      refused.value = answer.problem;
      return;
    }
    dialog.value =
      answer.value.owed.length > 0 ? { is: "sign_out", done: answer.value.owed } : null;
    show(null);
    say(t.signedOut);
    await loadMe();
  };
  return (
    <Dialog title={done === null ? t.signOutTitle : t.signedOut} onClose={closeDialog}>
      <p>{ids.size === 0 ? t.owesNothing : t.owes(ids.size)}</p>
      <ul class="lines">
        {orders.map((order) => (
          <li key={order.id}>
            <time>{moment(order.opened_at, order.pbx)}</time>
            <span>{titleText(order)}</span>
          </li>
        ))}
      </ul>
      <Refused problem={refused.value} />
      {done === null ? (
        <Buttons>
          <button
            type="button"
            class="button"
            data-kind="primary"
            data-first="yes"
            onClick={() => void leave()}
          >
            {t.signOut}
          </button>
        </Buttons>
      ) : (
        <div class="dialog-actions">
          <button type="button" class="button" data-first="yes" onClick={closeDialog}>
            {common.value.ok}
          </button>
        </div>
      )}
    </Dialog>
  );
}
