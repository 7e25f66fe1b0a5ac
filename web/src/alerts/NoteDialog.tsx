import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Problem } from "../api/client";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { acknowledge, type AlertLine, noting } from "./state";
import { alertsWords } from "./words";

const NOTE_MAX = 2000;

/** What a leader has to say to an alert. */
export function NoteDialog({ line }: { line: AlertLine }) {
  const t = alertsWords.value;
  const c = common.value;
  const text = useRef<HTMLTextAreaElement>(null);
  const wrong = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const close = () => {
    noting.value = null;
  };
  const save = async () => {
    if (busy.value) return;
    busy.value = true;
    wrong.value = await acknowledge(line, text.current?.value.trim() ?? "");
    busy.value = false;
    if (wrong.value === null) close();
  };
  return (
    <Dialog title={t.noteTitle} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div class="field">
          <label for="note">{t.note}</label>
          <textarea
            id="note"
            rows={4}
            maxLength={NOTE_MAX}
            ref={text}
            aria-describedby="note-lead"
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
            }}
          />
          <p id="note-lead" class="faint">
            {t.noteLead}
          </p>
        </div>
        {wrong.value !== null && (
          <p class="problem" role="alert">
            <Icon name="breach" />
            {problemText(wrong.value)}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={close}>
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
