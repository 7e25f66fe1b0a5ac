import { useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import type { Duty } from "../api/types";
import { say } from "../desk/state";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { problemText } from "../live/problem";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { importRoster, offset, putDuties } from "./duties";
import { FieldError, Input, Refused } from "./parts";
import { people } from "./state";
import { closeShiftDialog } from "./ui";
import { clockText, dateStart, dateText, dayStart } from "../model/dates";
import { decodeCsv, lineOf, spellsOf } from "./week";
import { shiftWords } from "./words";

type Place = "login" | "date" | "hours" | "team" | "note";

/** A duty to add or to change; several spells in one line are a split shift. */
export function DutyDialog({ duty, team, day }: { duty: Duty | null; team: string; day: number }) {
  const t = shiftWords.value.roster;
  const c = common.value;
  const at = offset.peek();
  const typed = useSignal({
    team: duty?.team ?? team,
    login: duty?.login ?? "",
    role: duty?.role ?? "leader",
    date: dateText(duty === null ? day : dayStart(duty.from_at, at), at),
    hours: duty === null ? "" : `${clockText(duty.from_at, at)}-${clockText(duty.to_at, at)}`,
    note: duty?.note ?? "",
  });
  const wrong = useSignal<Partial<Record<Place, string>>>({});
  const refused = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const write = (place: Place | "role", value: string) => {
    typed.value = { ...typed.value, [place]: value };
    wrong.value = {};
  };
  const done = async (put: readonly Duty[], remove: readonly string[], words: string) => {
    busy.value = true;
    const no = await putDuties(put, remove);
    busy.value = false;
    if (no === null) {
      closeShiftDialog();
      say(words);
      return;
    }
    const place = no.field?.replace(/^put\.\d+\./, "");
    if (place === "login" || place === "team" || place === "note")
      wrong.value = { [place]: problemText(no) };
    else if (place === "to") wrong.value = { hours: problemText(no) };
    else refused.value = no;
  };
  const send = (event: Event) => {
    event.preventDefault();
    const now = typed.value;
    const start = dateStart(now.date, at);
    const spells = spellsOf(now.hours);
    const found: Partial<Record<Place, string>> = {
      ...(now.login === "" ? { login: t.badPerson } : {}),
      ...(start === null ? { date: t.badDate } : {}),
      ...(spells === null ? { hours: t.badHours } : {}),
    };
    wrong.value = found;
    if (start === null || spells === null || Object.keys(found).length > 0 || busy.value) return;
    const put = spells.map(([from, to], index) => ({
      id: index === 0 ? (duty?.id ?? "") : "",
      team: now.team,
      login: now.login,
      role: now.role,
      from_at: start + from,
      to_at: start + to,
      note: now.note.trim(),
    }));
    void done(put, [], t.saved);
  };
  const field = (place: Place, label: string, type: "text" | "date", hint = "") => (
    <div class="field" data-place={place} data-wrong={wrong.value[place] ? "yes" : "no"}>
      <label for={`sl-duty-${place}`}>{label}</label>
      <Input
        id={`sl-duty-${place}`}
        type={type}
        value={typed.value[place]}
        onInput={(value) => write(place, value)}
      />
      {hint !== "" && <span class="faint">{hint}</span>}
      <FieldError text={wrong.value[place] ?? null} />
    </div>
  );
  return (
    <Dialog title={duty === null ? t.dialogAdd : t.dialogEdit} onClose={closeShiftDialog}>
      <form class="stack" onSubmit={send}>
        <div class="field" data-place="login" data-wrong={wrong.value.login ? "yes" : "no"}>
          <label for="sl-duty-login">{t.person}</label>
          <select
            id="sl-duty-login"
            value={typed.value.login}
            onChange={(event) => write("login", event.currentTarget.value)}
          >
            <option value="">{t.choose}</option>
            {people.value.map(({ login, name }) => (
              <option key={login} value={login}>
                {name} {login}
              </option>
            ))}
          </select>
          <FieldError text={wrong.value.login ?? null} />
        </div>
        <div class="sl-pair">
          <div class="field" data-place="team">
            <label for="sl-duty-team">{t.team}</label>
            <select
              id="sl-duty-team"
              value={typed.value.team}
              onChange={(event) => write("team", event.currentTarget.value)}
            >
              <option value="">{t.everyTeam}</option>
              {[...new Set([...(form.value?.teams ?? []), typed.value.team])]
                .filter((name) => name !== "")
                .map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
            </select>
            <FieldError text={wrong.value.team ?? null} />
          </div>
          <div class="field">
            <label for="sl-duty-role">{t.role}</label>
            <select
              id="sl-duty-role"
              value={typed.value.role}
              onChange={(event) => write("role", event.currentTarget.value)}
            >
              <option value="leader">{c.dutyRole.leader}</option>
              <option value="deputy">{c.dutyRole.deputy}</option>
            </select>
          </div>
        </div>
        {field("date", t.date, "date")}
        {field("hours", t.hours, "text", t.hoursHint)}
        {field("note", t.note, "text")}
        <Refused problem={refused.value} />
        <div class="dialog-actions">
          {duty !== null && (
            <button
              type="button"
              class="button sl-remove"
              disabled={busy.value}
              onClick={() => void done([], [duty.id], t.removed)}
            >
              {t.remove}
            </button>
          )}
          <button type="button" class="button" data-kind="quiet" onClick={closeShiftDialog}>
            {c.cancel}
          </button>
          <button type="submit" class="button" data-kind="primary" disabled={busy.value}>
            {c.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface Mistakes {
  readonly problem: Problem;
  readonly lines: readonly string[];
}

/** A CSV file into the roster; its mistakes stand beside the lines that they are in. */
export function ImportDialog() {
  const t = shiftWords.value.roster;
  const bad = useSignal<Mistakes | null>(null);
  const notText = useSignal(false);
  const busy = useSignal(false);
  const read = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (file === undefined) return;
    const text = decodeCsv(await file.arrayBuffer());
    // The same file, mended, must count as chosen again.
    input.value = "";
    notText.value = text === null;
    bad.value = null;
    if (text === null) return;
    busy.value = true;
    const result = await importRoster(text);
    busy.value = false;
    if (typeof result === "number") {
      closeShiftDialog();
      say(result === 0 ? t.importNothingNew : t.importDone(result));
      return;
    }
    bad.value = { problem: result, lines: text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/) };
  };
  return (
    <Dialog title={t.importTitle} wide onClose={closeShiftDialog}>
      <div class="stack">
        <p>{t.importLead}</p>
        <pre class="sl-example" aria-label={t.importExample}>
          {t.importFile}
        </pre>
        <label class="button sl-file">
          {t.importChoose}
          <input
            type="file"
            accept=".csv,text/csv,text/plain"
            disabled={busy.value}
            onChange={(event) => void read(event.currentTarget)}
          />
        </label>
        <div role="alert">
          {notText.value && <p class="problem">{t.importNotText}</p>}
          {bad.value !== null && <MistakeList bad={bad.value} />}
        </div>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={closeShiftDialog}>
            {common.value.close}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function MistakeList({ bad }: { bad: Mistakes }) {
  const t = shiftWords.value.roster;
  const { problem, lines } = bad;
  if (problem.missing.length === 0) return <Refused problem={problem} />;
  return (
    <div class="sl-mistakes">
      <p class="problem">
        <Icon name="breach" />
        <strong>{t.importBad(problem.missing.length)}</strong>
      </p>
      <ul>
        {problem.missing.map((one) => {
          const line = lineOf(one.field);
          return (
            <li key={`${one.field} ${one.text_en}`} data-line={line ?? ""}>
              {line !== null && lines[line - 1] !== undefined && (
                <code>
                  {line} | {lines[line - 1]}
                </code>
              )}
              <span>{problemText(one)}</span>
            </li>
          );
        })}
      </ul>
      <p class="faint">{t.importAgain}</p>
    </div>
  );
}
