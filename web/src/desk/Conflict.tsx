import { useSignal } from "@preact/signals";
import type { OrderView } from "../api/types";
import { common } from "../i18n/common";
import { categoriesOf, categoryName, form } from "../live/form";
import { labelText } from "../live/problem";
import { Dialog } from "../ui/Dialog";
import { settleAndGoOn } from "./actions";
import { type Value, valueAt, valuesOf } from "./draft";
import { conflict, draft } from "./state";
import { deskWords } from "./words";

type Choice = Readonly<Record<string, "mine" | "theirs">>;

/** Two people changed one order: the difference, place by place, and whose is kept. */
export function Conflict() {
  const found = conflict.value;
  return found === null ? null : <Difference key={`${found.order.id} ${found.order.version}`} />;
}

function Difference() {
  const t = deskWords.value.conflict;
  const choice = useSignal<Choice>({});
  const found = conflict.value;
  if (found === null) return null;
  const { order, clashes, taken, by, then } = found;
  const all = (whose: "mine" | "theirs") => {
    choice.value = Object.fromEntries(clashes.map(({ path }) => [path, whose]));
  };
  const open = clashes.filter(({ path }) => choice.value[path] === undefined).length;
  const pick = (path: string, whose: "mine" | "theirs", value: Value) => (
    <label class="pick" data-chosen={choice.value[path] === whose ? "yes" : "no"}>
      <input
        type="radio"
        name={`clash ${path}`}
        value={whose}
        checked={choice.value[path] === whose}
        onChange={() => {
          choice.value = { ...choice.value, [path]: whose };
        }}
      />
      <span>
        <span class="pick-value">{valueName(path, value, order)}</span>
        <span class="faint">{whose === "mine" ? t.keepMine : t.keepTheirs}</span>
      </span>
    </label>
  );
  return (
    <Dialog
      title={t.title}
      wide
      class="conflict"
      onClose={() => {
        conflict.value = null;
      }}
    >
      <p>{t.lead(by === null ? t.someone : t.person(by))}</p>
      {clashes.length > 0 && (
        <table class="difference">
          <thead>
            <tr>
              <th>{t.field}</th>
              <th>{t.before}</th>
              <th>{t.mine}</th>
              <th>{t.theirs}</th>
            </tr>
          </thead>
          <tbody>
            {clashes.map(({ path, base, mine, theirs }) => (
              <tr key={path} data-clash={path}>
                <th scope="row">{placeName(path, order)}</th>
                <td class="faint" data-label={t.before}>
                  {valueName(path, base, order)}
                </td>
                <td data-label={t.mine}>{pick(path, "mine", mine)}</td>
                <td data-label={t.theirs}>{pick(path, "theirs", theirs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {taken.length > 0 && (
        <>
          <p class="conflict-taken">{t.taken}</p>
          <ul class="lines">
            {taken.map((path) => (
              <li key={path}>
                <strong>{placeName(path, order)}</strong>
                <span>{valueName(path, valuesOf(order)[path] ?? "", order)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <div class="dialog-actions">
        {clashes.length > 1 && (
          <>
            <button type="button" class="button" onClick={() => all("mine")}>
              {t.allMine}
            </button>
            <button type="button" class="button" onClick={() => all("theirs")}>
              {t.allTheirs}
            </button>
          </>
        )}
        <button
          type="button"
          class="button"
          data-kind="primary"
          disabled={open > 0}
          onClick={() => void settleAndGoOn(choice.value)}
        >
          {then === "complete" ? t.goOnComplete : t.goOn}
        </button>
      </div>
    </Dialog>
  );
}

/** What a place of the form is called. */
export function placeName(path: string, order: OrderView): string {
  const t = deskWords.value.order;
  const named: Readonly<Record<string, string>> = {
    category: t.category,
    own_service: t.ownService,
    external_no: t.externalNo,
    "reply.mode": t.replyMode,
    "reply.content": t.content,
    "reply.basis": t.basis,
    "reply.passed_on": t.passedOn,
  };
  const known = named[path];
  if (known !== undefined) return known;
  const key = path.replace(/^fields\./, "");
  const chosen = draft.value === null ? order.category : valueAt(draft.value, "category");
  // Several categories may ask for the same key under names of their own.
  const specs = [...categoriesOf(form.value, order.queue)].sort(
    (a, b) => Number(b.key === chosen) - Number(a.key === chosen),
  );
  const spec = specs.flatMap(({ fields }) => fields).find((field) => field.key === key);
  return spec === undefined ? key : labelText(spec.label);
}

/** What was put there, as people read it. */
export function valueName(path: string, value: Value, order: OrderView): string {
  const t = deskWords.value.conflict;
  if (typeof value === "boolean") return value ? t.yes : t.no;
  if (value === "") return t.empty;
  if (path === "category") return categoryName(value, order.queue);
  const modes: Readonly<Record<string, string>> = common.value.replyMode;
  return path === "reply.mode" ? (modes[value] ?? value) : value;
}
