import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client";
import { messages } from "../i18n";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { may } from "../live/session";
import { store } from "../live/store";
import { duration } from "../model/format";
import { RULES, type Rule } from "../model/types";
import { Icon } from "../ui/icons";
import { type AskQuery, fileUrl, loginOf, personText } from "./ask";
import { go, type HistoryPage, hrefOf } from "./place";
import { historyWords } from "./words";

interface GoProps {
  readonly to: HistoryPage;
  readonly query: Readonly<Record<string, string | null | undefined>>;
  readonly class?: string;
  readonly label?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A link to a place of these pages: an address like any other, without loading the page anew. */
export function Go({ to, query, class: extra = "link", label, current, children }: GoProps) {
  return (
    <a
      class={extra}
      href={hrefOf(to, query)}
      aria-label={label}
      aria-current={current === true ? "page" : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
          return;
        event.preventDefault();
        go(to, query);
      }}
    >
      {children}
    </a>
  );
}

/** A person's name, leading to their shift where it is known who that is. */
export function PersonLink({ agent, date }: { agent: string | null; date?: string | undefined }) {
  if (agent === null) return <span class="faint">{historyWords.value.nobody}</span>;
  const login = loginOf(agent);
  if (login === null || !may("board")) return <>{personText(agent)}</>;
  return (
    <Go to="people" query={{ login, date }}>
      {personText(agent)}
    </Go>
  );
}

/** The queue as people call it: by the board of any PBX. */
export function queueText(name: string, pbx: string | null = null): string {
  for (const key of store.queueKeys.value) {
    const queue = store.queue(key);
    if (queue?.name === name && (pbx === null || queue.pbx === pbx)) return queue.label;
  }
  return name;
}

export function seatText(pbx: string, seat: string): string {
  const label = store.seat(`seat:${pbx}/${seat}`)?.label;
  return label === undefined || label === seat ? seat : label;
}

/** The rule in words; what stands there where it is not known. */
export function ruleText(rule: string): string {
  const words: Readonly<Record<string, string>> = messages.value.rule;
  return words[rule] ?? rule;
}

export function isRule(text: string): text is Rule {
  return (RULES as readonly string[]).includes(text);
}

/** A list of broken rules, by sign and word. */
export function Rules({ rules }: { rules: readonly string[] }) {
  if (rules.length === 0) return null;
  return (
    <span class="hx-rules">
      <Icon name="breach" />
      {rules.map(ruleText).join(messages.value.comma)}
    </span>
  );
}

export function outcomeText(outcome: string): string {
  const words: Readonly<Record<string, string>> = historyWords.value.outcome;
  return words[outcome] ?? outcome;
}

export function Seconds({ of }: { of: number | null }) {
  return of === null ? (
    <span class="faint" title={historyWords.value.notKnown}>
      –
    </span>
  ) : (
    <>{duration(of)}</>
  );
}

/** That something was not heard, by sign and word. */
export function GapMark({ estimated = 0 }: { estimated?: number }) {
  const t = historyWords.value;
  return (
    <span class="hx-gap-mark" title={t.gapWhy}>
      <svg class="hx-hatch-sign" viewBox="0 0 12 12" aria-hidden="true">
        <path d="M-2 6 6-2M0 12 12 0M6 14 14 6" />
      </svg>
      {t.gap}
      {estimated > 0 && ` · ${t.estimated(estimated)}`}
    </span>
  );
}

export function Refusal({ problem, again }: { problem: Problem | null; again?: () => void }) {
  return (
    <div role="alert">
      {problem !== null && (
        <p class="problem">
          <Icon name="breach" />
          <span>{problemText(problem)}</span>
          {again !== undefined && (
            <button type="button" class="link" onClick={again}>
              {historyWords.value.retry}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

/** The same table as files; only for those who may export. */
export function Files({ csv, xlsx, query }: { csv: string; xlsx: string; query: AskQuery }) {
  const t = historyWords.value;
  if (!may("orders.export")) return null;
  return (
    <span class="hx-files">
      <a class="button" href={fileUrl(csv, query)} download>
        CSV
        <span class="unseen"> {t.download}</span>
      </a>
      <a class="button" href={fileUrl(xlsx, query)} download>
        XLSX
        <span class="unseen"> {t.download}</span>
      </a>
    </span>
  );
}

export function Loading() {
  return (
    <p class="hx-loading" role="status">
      {common.value.loading}
    </p>
  );
}

/** A wide table in a box of its own that scrolls; reachable by the keyboard. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="hx-scroll" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
