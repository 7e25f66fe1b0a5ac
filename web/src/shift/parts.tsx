import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client";
import type { Order } from "../api/types";
import { dismissProblem } from "../desk/actions";
import { exactMoment } from "../desk/ui";
import { deskWords } from "../desk/words";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { Icon } from "../ui/icons";
import { refusal } from "./ui";

/** A refusal, in place. */
export function Refused({ problem }: { problem: Problem | null }) {
  return (
    <div role="alert">
      {problem !== null && (
        <p class="problem">
          <Icon name="breach" />
          <span class="sl-lines">{problemText(problem)}</span>
        </p>
      )}
    </div>
  );
}

/** Why the last thing done from a list was refused; goes when it is dismissed. */
export function RefusalLine() {
  const found = refusal.value;
  return (
    <div role="alert">
      {found !== null && (
        <p class="problem sl-refusal">
          <Icon name="breach" />
          <span>{problemText(found)}</span>
          <button
            type="button"
            class="control problem-close"
            aria-label={common.value.close}
            onClick={() => {
              refusal.value = null;
              dismissProblem();
            }}
          >
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}

export function FieldError({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <span class="field-error" role="alert">
      <Icon name="breach" />
      {text}
    </span>
  );
}

/** A telephone number to press. */
export function Tel({ number, children }: { number: string; children?: ComponentChildren }) {
  return (
    <a class="button" href={`tel:${number.replace(/[^\d+*#,]/g, "")}`}>
      <Icon name="phone" />
      {children} {number}
    </a>
  );
}

/** The number at which the customer is reached. */
export function numberOf(order: Order): string | null {
  return order.numbers[0]?.number ?? order.caller;
}

/** What a verdict hangs on, event by event: the time, a word, and what the PBX said. */
export function Evidence({ lines, pbx }: { lines: readonly string[]; pbx: string }) {
  const words: Readonly<Record<string, string>> = deskWords.value.mine.evidenceOf;
  return (
    <ol class="lines">
      {lines.map((line) => {
        const parts = /^(.*?) (\d{9,}(?:\.\d+)?)$/.exec(line);
        const what = parts?.[1] ?? line;
        const word = words[what.replaceAll(" ", "_")] ?? words[what.split(" ")[0] ?? ""] ?? "";
        return (
          <li key={line}>
            {parts !== null && <time title={parts[2]}>{exactMoment(Number(parts[2]), pbx)}</time>}
            <span>
              {word} <span class="faint">{what}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** A list that shows its first lines until more are asked for. */
export function useLimit(first: number) {
  const all = useSignal(false);
  return {
    all: all.value,
    of: <T,>(list: readonly T[]) => (all.value ? list : list.slice(0, first)),
    toggle: () => {
      all.value = !all.peek();
    },
  };
}

interface InputProps {
  readonly id: string;
  readonly type: "text" | "search" | "number" | "date" | "datetime-local";
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly placeholder?: string;
}

/** A line to type into, of a type that is known only when it is shown. */
export function Input({ id, type, value, onInput, placeholder = "" }: InputProps) {
  // The DOM's types tell apart what each kind of input takes; what is used here all of them do.
  const kind = { type } as { type: "text" };
  return (
    <input
      id={id}
      {...kind}
      value={value}
      placeholder={placeholder}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}
