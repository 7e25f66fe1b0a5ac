import { type Signal, useSignal } from "@preact/signals";
import type { Problem } from "../api/client";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { changePassword, me } from "../live/session";
import { Dialog } from "./Dialog";
import { Icon } from "./icons";

/** Change one's own password. */
export function PasswordDialog({ onClose }: { onClose: () => void }) {
  const c = common.value;
  const t = c.password;
  const [old, next, again] = [useSignal(""), useSignal(""), useSignal("")];
  const refused = useSignal<Problem | "differ" | null>(null);
  const done = useSignal(false);
  const busy = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    if (next.value !== again.value) {
      refused.value = "differ";
      return;
    }
    busy.value = true;
    refused.value = await changePassword(old.value, next.value);
    busy.value = false;
    done.value = refused.value === null;
  };
  const empty = old.value === "" || next.value === "" || again.value === "";
  return (
    <Dialog title={t.change} onClose={onClose}>
      <form class="stack" onSubmit={(event) => void send(event)}>
        {/* Password managers ask whose password it is. */}
        <input
          type="text"
          name="username"
          autocomplete="username"
          value={me.value?.login ?? ""}
          hidden
          readOnly
        />
        {!done.value && (
          <>
            <p>{t.lead}</p>
            <Secret id="password-old" label={t.old} value={old} autocomplete="current-password" />
            <Secret id="password-new" label={t.next} value={next} autocomplete="new-password" />
            <Secret id="password-again" label={t.again} value={again} autocomplete="new-password" />
          </>
        )}
        <div role="alert">
          {refused.value !== null && (
            <p class="problem">
              <Icon name="breach" />
              {refused.value === "differ" ? t.differ : problemText(refused.value)}
            </p>
          )}
        </div>
        <p role="status">{done.value && t.done}</p>
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={onClose}>
            {done.value ? c.close : c.cancel}
          </button>
          {!done.value && (
            <button type="submit" class="button" data-kind="primary" disabled={busy.value || empty}>
              {t.change}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

interface SecretProps {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly autocomplete: "current-password" | "new-password";
}

function Secret({ id, label, value, autocomplete }: SecretProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="password"
        autocomplete={autocomplete}
        value={value.value}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
    </div>
  );
}
