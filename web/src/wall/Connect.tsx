import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Problem } from "../api/client";
import { problemText } from "../live/problem";
import { Icon, Mark } from "../ui/icons";
import { asPerson, letIn } from "./access";
import { wallWords } from "./words";

interface ConnectProps {
  readonly ended: boolean;
  readonly forbidden: boolean;
}

/** Asks for the token of this screen; the one time that anybody touches it. */
export function Connect({ ended, forbidden }: ConnectProps) {
  const t = wallWords.value.connect;
  const problem = useSignal<Problem | "empty" | null>(null);
  const busy = useSignal(false);
  const token = useRef<HTMLInputElement>(null);
  useEffect(() => token.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const said = token.current?.value.trim() ?? "";
    if (busy.value) return;
    if (said === "") {
      problem.value = "empty";
      token.current?.focus();
      return;
    }
    busy.value = true;
    problem.value = await letIn(said);
    busy.value = false;
    if (problem.value === null) {
      location.reload();
      return;
    }
    token.current?.select();
  };
  const wrong = problem.value;
  return (
    <main class="connect">
      <form class="connect-box" onSubmit={(event) => void submit(event)} novalidate>
        <h1>
          <Mark />
          {t.title}
        </h1>
        {(ended || forbidden) && <p class="notice">{ended ? t.ended : t.forbidden}</p>}
        <p>{t.lead}</p>
        <div class="field" data-wrong={wrong === null ? "no" : "yes"}>
          <label for="token">{t.token}</label>
          <input
            id="token"
            name="token"
            ref={token}
            type="password"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-invalid={wrong !== null}
            aria-describedby="token-wrong"
          />
          <p id="token-wrong" class="field-error" role="alert">
            {wrong !== null && (
              <>
                <Icon name="breach" />
                {wrong === "empty" ? t.empty : problemText(wrong)}
              </>
            )}
          </p>
        </div>
        <button type="submit" class="button" data-kind="primary" disabled={busy.value}>
          {busy.value ? t.busy : t.submit}
        </button>
        <p>{t.howTo}</p>
        <dl class="connect-how">
          <dt>{t.forVisitors}</dt>
          <dd>
            <code>agentd token add {t.nameVisitors} --right wall</code>
          </dd>
          <dt>{t.forStaff}</dt>
          <dd>
            <code>agentd token add {t.nameStaff} --right board</code>
          </dd>
        </dl>
        <button type="button" class="link" onClick={() => void asPerson()}>
          {t.person}
        </button>
      </form>
    </main>
  );
}
