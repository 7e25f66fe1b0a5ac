import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type Problem } from "../api/client";
import type { Me } from "../api/types";
import { lang } from "../i18n";
import { afterLogin } from "../live/session";
import { Appearance } from "../ui/Account";
import { Icon, Mark } from "../ui/icons";
import { loginWords } from "./words";

const NO_ACCOUNTS = "no_accounts";

function leave(who: Me): void {
  const next = new URLSearchParams(location.search).get("next");
  location.replace(afterLogin(next, who.role, location.href));
}

export function Login() {
  const t = loginWords.value;
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  const shown = useSignal(false);
  const wait = useSignal(0);
  const login = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);

  useSignalEffect(() => {
    document.title = `${loginWords.value.title} – agentd`;
  });
  useEffect(() => {
    // Whoever is logged in already goes on; and the server tells when there is no account at all.
    void api<Me>("me", { stay: true }).then((answer) => {
      if (answer.ok) leave(answer.value);
      else if (answer.problem.code === NO_ACCOUNTS) problem.value = answer.problem;
    });
    login.current?.focus();
  }, [problem]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (wait.peek() > 0) wait.value = wait.peek() - 1;
    }, 1000);
    return () => clearInterval(timer);
  }, [wait]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || wait.value > 0) return;
    const said = { login: login.current?.value.trim(), password: password.current?.value };
    if (!said.login || !said.password) {
      problem.value = { ...EMPTY, text_zh: t.needBoth, text_en: t.needBoth };
      (said.login ? password : login).current?.focus();
      return;
    }
    busy.value = true;
    const answer = await api<Me>("session", { method: "POST", body: said, stay: true });
    busy.value = false;
    if (answer.ok) {
      leave(answer.value);
      return;
    }
    problem.value = answer.problem;
    wait.value = answer.problem.status === 429 ? Math.ceil(answer.problem.retry_after_s ?? 0) : 0;
    if (password.current !== null) password.current.value = "";
    password.current?.focus();
  };

  return (
    <main class="login">
      <div class="login-tools">
        <Appearance />
      </div>
      <form class="login-box" onSubmit={(event) => void submit(event)} novalidate>
        <h1 class="title">
          <Mark />
          agentd
        </h1>
        {problem.value?.code === NO_ACCOUNTS && (
          <section class="notice login-first">
            <h2>{t.noAccounts}</h2>
            <p>{t.firstAccount}</p>
            <code>{t.command}</code>
          </section>
        )}
        <div class="field">
          <label for="login">{t.login}</label>
          <input
            id="login"
            name="login"
            ref={login}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
          />
        </div>
        <div class="field">
          <label for="password">{t.password}</label>
          <div class="login-password">
            <input
              id="password"
              name="password"
              ref={password}
              type="password"
              autocomplete="current-password"
            />
            <button
              type="button"
              class="button"
              data-kind="quiet"
              aria-pressed={shown.value}
              aria-label={shown.value ? t.hide : t.show}
              title={shown.value ? t.hide : t.show}
              onClick={() => {
                shown.value = !shown.value;
                password.current?.setAttribute("type", shown.value ? "text" : "password");
              }}
            >
              <Icon name={shown.value ? "hidden" : "eye"} />
            </button>
          </div>
        </div>
        <div class="login-said" role="alert">
          {problem.value !== null && problem.value.code !== NO_ACCOUNTS && (
            <p class="problem">
              <Icon name="breach" />
              {said(problem.value, wait.value)}
            </p>
          )}
        </div>
        <button
          type="submit"
          class="button login-submit"
          data-kind="primary"
          disabled={busy.value || wait.value > 0}
        >
          {busy.value ? t.busy : t.submit}
        </button>
      </form>
    </main>
  );
}

const EMPTY: Problem = {
  status: 0,
  code: "empty",
  text_zh: "",
  text_en: "",
  field: null,
  missing: [],
  current: null,
  retry_after_s: null,
};

/** The refusal in our own words where we know its code, else the server's. */
function said(problem: Problem, wait: number): string {
  const t = loginWords.value;
  if (problem.status === 429) {
    if (problem.retry_after_s === null) return t.slow;
    return wait > 0 ? t.wait(wait) : t.again;
  }
  if (problem.code === "wrong") return t.wrong;
  if (problem.code === "disabled") return t.disabled;
  return lang.value === "en" ? problem.text_en : problem.text_zh;
}
