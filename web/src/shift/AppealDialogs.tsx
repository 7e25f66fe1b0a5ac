import { useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import { say } from "../desk/state";
import { moment } from "../desk/ui";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { store } from "../live/store";
import type { Rule } from "../model/types";
import { Dialog } from "../ui/Dialog";
import { countIncident, decide, excuse, type Incident, INCIDENT_MAX_S, pending } from "./appeals";
import { caseName } from "./Appeals";
import { offset } from "./duties";
import { FieldError, Refused } from "./parts";
import { closeShiftDialog } from "./ui";
import { inputText, momentOf } from "../model/dates";
import { shiftWords } from "./words";

/** One reason for one or several appeals. */
export function DecideDialog({ grant, ids }: { grant: boolean; ids: readonly string[] }) {
  const t = shiftWords.value.appeals;
  const reason = useSignal("");
  const refused = useSignal<Problem | null>(null);
  const empty = useSignal(false);
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    empty.value = reason.value.trim() === "";
    if (empty.value) return;
    busy.value = true;
    refused.value = await decide(ids, grant, reason.value.trim());
    busy.value = false;
    if (refused.value !== null) return;
    closeShiftDialog();
    say(t.decided(ids.length));
  };
  const about = pending.value.filter(({ violation }) => ids.includes(violation.id));
  return (
    <Dialog
      title={grant ? t.grantTitle(ids.length) : t.refuseTitle(ids.length)}
      onClose={closeShiftDialog}
    >
      <form
        class="stack"
        onSubmit={(event) => void send(event)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && event.ctrlKey) void send(event);
        }}
      >
        <p class="faint">{t.decideLead}</p>
        <ul class="lines">
          {about.slice(0, 8).map((judged) => (
            <li key={judged.violation.id}>
              <time>{moment(judged.violation.at, judged.violation.pbx)}</time>
              {caseName(judged)}
            </li>
          ))}
        </ul>
        <div class="field" data-wrong={empty.value ? "yes" : "no"}>
          <label for="sl-reason">
            {t.reason} <span class="required">*</span>
          </label>
          <textarea
            id="sl-reason"
            rows={3}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
              empty.value = false;
            }}
          />
          <FieldError text={empty.value ? shiftWords.value.place.required : null} />
        </div>
        <Refused problem={refused.value} />
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={closeShiftDialog}>
            {common.value.cancel}
          </button>
          <button type="submit" class="button" data-kind="primary" disabled={busy.value}>
            {grant ? t.grant : t.refuse} <kbd>Ctrl+Enter</kbd>
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface Counted {
  /** Of which conditions this is the count. */
  readonly of: string;
  readonly count: number;
  readonly own: number;
}

/** An incident: from when to when, how many violations that are, and then all of them at once. */
export function WindowDialog() {
  const t = shiftWords.value.appeals;
  const now = store.serverNow.peek() ?? 0;
  const typed = useSignal({
    from: inputText(now - 3600, offset.peek()),
    to: inputText(now, offset.peek()),
    rule: "",
    queue: "",
  });
  const reason = useSignal("");
  const counted = useSignal<Counted | null>(null);
  const refused = useSignal<Problem | null>(null);
  const wrong = useSignal<"times" | "reason" | null>(null);
  const busy = useSignal(false);
  const write = (place: keyof typeof typed.value, value: string) => {
    typed.value = { ...typed.value, [place]: value };
    wrong.value = null;
  };
  const key = JSON.stringify(typed.value);
  const incident = (): Incident | null => {
    const from = momentOf(typed.value.from, offset.value);
    const to = momentOf(typed.value.to, offset.value);
    if (from === null || to === null || to <= from || to - from > INCIDENT_MAX_S) return null;
    return { from, to, rule: typed.value.rule, queue: typed.value.queue };
  };
  const count = async () => {
    const asked = incident();
    if (asked === null) {
      wrong.value = "times";
      return;
    }
    busy.value = true;
    const found = await countIncident(asked);
    busy.value = false;
    refused.value = "status" in found ? found : null;
    counted.value = "status" in found ? null : { of: key, ...found };
  };
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    const asked = incident();
    if (counted.value === null || counted.value.of !== key || asked === null) {
      await count();
      return;
    }
    if (reason.value.trim() === "") {
      wrong.value = "reason";
      return;
    }
    busy.value = true;
    const done = await excuse(asked, reason.value.trim());
    busy.value = false;
    if (typeof done !== "number") {
      refused.value = done;
      return;
    }
    closeShiftDialog();
    say(t.windowDone(done));
  };
  const known = counted.value !== null && counted.value.of === key ? counted.value : null;
  const rules = Object.entries(messages.value.rule) as [Rule, string][];
  const queues = store.queueKeys.value.map((one) => store.queue(one));
  return (
    <Dialog title={t.window} onClose={closeShiftDialog}>
      <form class="stack" onSubmit={(event) => void send(event)}>
        <p class="faint">{t.windowLead}</p>
        <div class="sl-pair">
          <div class="field" data-wrong={wrong.value === "times" ? "yes" : "no"}>
            <label for="sl-from">{t.from}</label>
            <input
              id="sl-from"
              type="datetime-local"
              value={typed.value.from}
              onInput={(event) => write("from", event.currentTarget.value)}
            />
          </div>
          <div class="field" data-wrong={wrong.value === "times" ? "yes" : "no"}>
            <label for="sl-to">{t.to}</label>
            <input
              id="sl-to"
              type="datetime-local"
              value={typed.value.to}
              onInput={(event) => write("to", event.currentTarget.value)}
            />
          </div>
        </div>
        <FieldError text={wrong.value === "times" ? t.needTimes : null} />
        <div class="sl-pair">
          <div class="field">
            <label for="sl-rule">{t.rule}</label>
            <select
              id="sl-rule"
              value={typed.value.rule}
              onChange={(event) => write("rule", event.currentTarget.value)}
            >
              <option value="">{t.anyRule}</option>
              {rules.map(([rule, name]) => (
                <option key={rule} value={rule}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          <div class="field">
            <label for="sl-queue">{t.queue}</label>
            <select
              id="sl-queue"
              value={typed.value.queue}
              onChange={(event) => write("queue", event.currentTarget.value)}
            >
              <option value="">{t.anyQueue}</option>
              {queues.map(
                (queue) =>
                  queue !== undefined && (
                    <option key={`${queue.pbx} ${queue.name}`} value={queue.name}>
                      {queue.label}
                    </option>
                  ),
              )}
            </select>
          </div>
        </div>
        <div class="field" data-wrong={wrong.value === "reason" ? "yes" : "no"}>
          <label for="sl-window-reason">
            {t.reason} <span class="required">*</span>
          </label>
          <textarea
            id="sl-window-reason"
            rows={2}
            value={reason.value}
            onInput={(event) => {
              reason.value = event.currentTarget.value;
              wrong.value = null;
            }}
          />
          <FieldError text={wrong.value === "reason" ? shiftWords.value.place.required : null} />
        </div>
        <div role="status">
          {known !== null && (
            <p class="notice">
              {known.count === 0 ? t.countedNone : t.counted(known.count)}
              {known.own > 0 && ` (${t.countedOwn(known.own)})`}
            </p>
          )}
          {known === null && counted.value !== null && <p class="faint">{t.changedSince}</p>}
        </div>
        <Refused problem={refused.value} />
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={closeShiftDialog}>
            {common.value.cancel}
          </button>
          {/* One button for both, and never disabled while it is busy: the focus stays on it. */}
          <button
            type="submit"
            class="button"
            data-kind="primary"
            data-act={known === null ? "count" : "excuse"}
            disabled={known !== null && known.count === 0}
          >
            {known === null ? t.count : t.confirmWindow(known.count)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
