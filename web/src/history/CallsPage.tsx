import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { messages } from "../i18n";
import { store } from "../live/store";
import { DIRECTIONS, RULES } from "../model/types";
import { Icon } from "../ui/icons";
import { dayStarts, moment, offset, people, personText, today, usePages } from "./ask";
import {
  asked,
  type Field,
  figureOf,
  type Filters,
  filtersOf,
  listPart,
  OUTCOMES,
  shownMoment,
  wrongFields,
} from "./filters";
import { FigureHead } from "./FigureHead";
import {
  Files,
  GapMark,
  Go,
  Loading,
  outcomeText,
  queueText,
  Refusal,
  ruleText,
  Rules,
  Seconds,
} from "./parts";
import { go, place } from "./place";
import { Stays } from "./Stays";
import type { CallLine, FigureCall } from "./types";
import { historyWords } from "./words";
import { clockOf, dayAfter, midnightOf } from "./zone";

/** Calls that fit a filter, or that are behind a figure. */
export function CallsPage() {
  const { query } = place.value;
  if (query.list === "stays") return <Stays key="stays" />;
  const figure = figureOf(query);
  return figure === null ? <Searched key="search" /> : <Behind key="figure" />;
}

function Searched() {
  const t = historyWords.value.calls;
  const { query } = place.value;
  const filters = filtersOf(query);
  const wrong = wrongFields(filters, offset.value);
  const question = asked(filters, offset.value);
  const list = usePages<CallLine>(wrong.length > 0 ? null : "history/calls", question);
  return (
    <div class="hx-page">
      <h2 class="unseen">{t.title}</h2>
      <FilterForm filters={filters} again={list.again} />
      <Refusal problem={list.problem} again={list.again} />
      {list.found === null && list.problem === null && wrong.length === 0 && <Loading />}
      {list.found !== null && (
        <Results
          lines={list.found}
          more={list.next === null ? null : list.more}
          loading={list.loading}
          files={<Files csv="history/calls.csv" xlsx="history/calls.xlsx" query={question} />}
        />
      )}
    </div>
  );
}

/** The calls that count for a figure. */
function Behind() {
  const t = historyWords.value.calls;
  const { query } = place.value;
  const figure = figureOf(query);
  const list = usePages<FigureCall>(figure === null ? null : "figures/calls", { ...figure });
  const lines = (list.found ?? []).flatMap(({ line }) => (line === null ? [] : [line]));
  const open = (list.found ?? []).filter(({ line }) => line === null);
  if (figure === null) return null;
  return (
    <div class="hx-page">
      <FigureHead figure={figure} />
      <Refusal problem={list.problem} again={list.again} />
      {list.found === null && list.problem === null && <Loading />}
      {open.length > 0 && (
        <p class="hx-note">
          {t.withoutLine(open.length)}{" "}
          {open.slice(0, 5).map(({ pbx, call }) => (
            <Go key={call} to="calls" query={{ ...query, call: `${pbx}/${call}` }}>
              {call}{" "}
            </Go>
          ))}
        </p>
      )}
      {list.found !== null && (
        <Results
          lines={lines}
          more={list.next === null ? null : list.more}
          loading={list.loading}
        />
      )}
    </div>
  );
}

// --- the filter ----------------------------------------------------------------------------------

/** Times that are asked for again and again, as from and to of the address. */
function spans(): readonly (readonly [
  key: "today" | "yesterday" | "week",
  from: string,
  to: string,
])[] {
  const now = today();
  const at = clockOf(midnightOf(now, 0) ?? 0, dayStarts.value);
  const start = (days: number) => `${dayAfter(now, days)}T${at}`;
  return [
    ["today", start(0), ""],
    ["yesterday", start(-1), start(0)],
    ["week", start(-6), ""],
  ];
}

function FilterForm({ filters, again }: { filters: Filters; again: () => void }) {
  const t = historyWords.value.calls;
  const [typed, setTyped] = useState<Filters>(filters);
  const [open, setOpen] = useState(hasMore(filters));
  const key = JSON.stringify(filters);
  // The back button changes the filter without anybody typing.
  useEffect(() => setTyped(filters), [key]);
  const wrong = wrongFields(typed, offset.value);
  const ask = (next: Filters) => {
    if (wrongFields(next, offset.peek()).length > 0) return;
    if (JSON.stringify(next) === key) again();
    else go("calls", next);
  };
  const set = (field: Field, value: string, atOnce = false) => {
    const next = { ...typed, [field]: value };
    setTyped(next);
    if (atOnce) ask(next);
  };
  const field = { typed, wrong, set };
  return (
    <form
      class="hx-filters"
      role="search"
      aria-label={t.title}
      onSubmit={(event) => {
        event.preventDefault();
        ask(typed);
      }}
    >
      <div class="hx-fields">
        <TextField {...field} of="number" label={t.number} type="search" />
        <QueueField {...field} />
        <PersonField {...field} />
        <Choice
          {...field}
          of="outcome"
          label={t.outcome}
          options={OUTCOMES.map((one) => [one, outcomeText(one)])}
        />
        <Choice
          {...field}
          of="rule"
          label={t.rule}
          options={[["any", t.anyRule], ...RULES.map((one) => [one, ruleText(one)] as const)]}
        />
        <MomentField {...field} of="from" label={t.from} />
        <MomentField {...field} of="to" label={t.to} />
      </div>
      <div class="hx-fields" hidden={!open} id="hx-more-fields">
        <SeatField {...field} />
        <Choice
          {...field}
          of="direction"
          label={t.direction}
          options={DIRECTIONS.map((one) => [one, messages.value.direction[one]])}
        />
        {store.pbxKeys.value.length > 1 && (
          <Choice
            {...field}
            of="pbx"
            label="PBX"
            options={store.pbxKeys.value.map((one) => [one.slice(4), one.slice(4)])}
          />
        )}
        <TextField {...field} of="wait_min" label={t.waitMin} placeholder="0:30" />
        <TextField {...field} of="talk_min" label={t.talkMin} placeholder="5:00" />
        <TextField {...field} of="hold_min" label={t.holdMin} placeholder="0:30" />
      </div>
      <div class="hx-filter-row">
        <button type="submit" class="button" data-kind="primary" disabled={wrong.length > 0}>
          {t.search}
        </button>
        <button
          type="button"
          class="button"
          aria-expanded={open}
          aria-controls="hx-more-fields"
          onClick={() => setOpen(!open)}
        >
          {open ? t.fewerFields : t.moreFields}
        </button>
        {spans().map(([name, from, to]) => (
          <button
            key={name}
            type="button"
            class="button"
            aria-pressed={filters.from === from && filters.to === to}
            onClick={() => ask({ ...typed, from, to })}
          >
            {t.span[name]}
          </button>
        ))}
        {Object.values(filters).some((value) => value !== "") && (
          <button type="button" class="button" data-kind="quiet" onClick={() => go("calls", {})}>
            {t.clear}
          </button>
        )}
      </div>
    </form>
  );
}

function hasMore(filters: Filters): boolean {
  const { seat, direction, pbx, wait_min, talk_min, hold_min } = filters;
  return [seat, direction, pbx, wait_min, talk_min, hold_min].some((value) => value !== "");
}

interface FieldProps {
  readonly typed: Filters;
  readonly wrong: readonly Field[];
  readonly set: (field: Field, value: string, atOnce?: boolean) => void;
}

interface TextProps extends FieldProps {
  readonly of: Field;
  readonly label: string;
  readonly type?: "search" | "text";
  readonly placeholder?: string;
  readonly list?: string;
}

function TextField({ typed, wrong, set, of, label, type = "text", placeholder, list }: TextProps) {
  const id = useId();
  const bad = wrong.includes(of);
  // The DOM's types tell apart what each kind of input takes; what is used here all of them do.
  const kind = { type } as { type: "text" };
  return (
    <div class="field" data-field={of} data-wrong={bad ? "yes" : "no"}>
      <label for={id}>{label}</label>
      <input
        id={id}
        {...kind}
        value={typed[of]}
        aria-invalid={bad}
        aria-describedby={bad ? `${id}-wrong` : undefined}
        {...(placeholder === undefined ? {} : { placeholder })}
        {...(list === undefined ? {} : { list })}
        onInput={(event) => set(of, event.currentTarget.value)}
      />
      {bad && (
        <span class="field-error" id={`${id}-wrong`}>
          <Icon name="breach" />
          {historyWords.value.calls.badTime}
        </span>
      )}
    </div>
  );
}

function MomentField({
  typed,
  wrong,
  set,
  of,
  label,
}: FieldProps & { of: "from" | "to"; label: string }) {
  const id = useId();
  const bad = wrong.includes(of);
  return (
    <div class="field" data-field={of} data-wrong={bad ? "yes" : "no"}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        value={shownMoment(typed[of], offset.value)}
        aria-invalid={bad}
        aria-describedby={bad ? `${id}-wrong` : undefined}
        onInput={(event) => set(of, event.currentTarget.value)}
      />
      {bad && (
        <span class="field-error" id={`${id}-wrong`}>
          <Icon name="breach" />
          {historyWords.value.calls.badRange}
        </span>
      )}
    </div>
  );
}

interface ChoiceProps extends FieldProps {
  readonly of: Field;
  readonly label: string;
  readonly options: readonly (readonly [value: string, name: string])[];
}

function Choice({ typed, set, of, label, options }: ChoiceProps) {
  const id = useId();
  const value = typed[of];
  const known = value === "" || options.some(([one]) => one === value);
  return (
    <div class="field" data-field={of}>
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => set(of, event.currentTarget.value, true)}>
        <option value="">{historyWords.value.all}</option>
        {!known && <option value={value}>{value}</option>}
        {options.map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

function QueueField(props: FieldProps) {
  const names = new Map<string, string>();
  for (const key of store.queueKeys.value) {
    const queue = store.queue(key);
    if (queue !== undefined) names.set(queue.name, queue.label);
  }
  return (
    <Choice {...props} of="queue" label={historyWords.value.calls.queue} options={[...names]} />
  );
}

function PersonField(props: FieldProps) {
  const label = historyWords.value.calls.person;
  if (people.value.length === 0) return <TextField {...props} of="person" label={label} />;
  return (
    <Choice
      {...props}
      of="person"
      label={label}
      options={people.value.map(({ login }) => [login, personText(login)])}
    />
  );
}

function SeatField(props: FieldProps) {
  const seats = store.seatGroups.value.flatMap(({ seats: keys }) =>
    keys.flatMap((key) => store.seat(key)?.seat ?? []),
  );
  return (
    <>
      <TextField {...props} of="seat" label={historyWords.value.calls.seat} list="hx-seats" />
      <datalist id="hx-seats">
        {[...new Set(seats)].map((seat) => (
          <option key={seat} value={seat} />
        ))}
      </datalist>
    </>
  );
}

// --- the list ------------------------------------------------------------------------------------

interface ResultsProps {
  readonly lines: readonly CallLine[];
  readonly more: (() => void) | null;
  readonly loading: boolean;
  readonly files?: ComponentChildren;
}

export function Results({ lines, more, loading, files }: ResultsProps) {
  const t = historyWords.value.calls;
  return (
    <section aria-label={t.results}>
      <div class="hx-results-top">
        <p class="hx-count" role="status">
          {lines.length === 0 && more === null ? t.none : t.found(lines.length, more !== null)}
        </p>
        {files}
      </div>
      {lines.length > 0 && <CallTable lines={lines} />}
      {more !== null && (
        <p class="hx-more">
          <button type="button" class="button" disabled={loading} onClick={more}>
            {t.more}
          </button>
        </p>
      )}
    </section>
  );
}

/** Up and down move between the calls of a table. */
function step(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  if (!(event.target instanceof HTMLElement) || !event.target.matches(".hx-row-link")) return;
  const table = event.currentTarget as HTMLElement;
  const links = [...table.querySelectorAll<HTMLElement>(".hx-row-link")];
  const next = links[links.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

/** Calls, the latest first; the first cell of each row opens its call. */
export function CallTable({ lines }: { lines: readonly CallLine[] }) {
  const t = historyWords.value.calls;
  return (
    <table class="hx-table hx-calls" onKeyDown={step}>
      <thead>
        <tr>
          <th scope="col">{t.time}</th>
          <th scope="col">{t.number}</th>
          <th scope="col">{t.queue}</th>
          <th scope="col">{t.person}</th>
          <th scope="col">{t.outcome}</th>
          <th scope="col" class="hx-num">
            {t.wait}
          </th>
          <th scope="col" class="hx-num">
            {t.talk}
          </th>
          <th scope="col" class="hx-num">
            {t.hold}
          </th>
          <th scope="col">{t.rule}</th>
          <th scope="col">{t.orderAndSound}</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <CallRow key={`${line.pbx}/${line.call}`} line={line} />
        ))}
      </tbody>
    </table>
  );
}

function CallRow({ line }: { line: CallLine }) {
  const t = historyWords.value.calls;
  const { page, query } = place.value;
  const id = `${line.pbx}/${line.call}`;
  // Back from the call leads to the same list, also when the address was sent to somebody.
  const back = page === "calls" ? listPart(query) : {};
  const at = line.ended_at;
  const number = line.caller ?? t.anonymous;
  const queues = line.visits.length > 0 ? line.visits : line.queue === null ? [] : [line.queue];
  return (
    <tr data-call={id}>
      <th scope="row" data-label={t.time}>
        <Go
          to="calls"
          query={{ ...back, call: id }}
          class="hx-row-link"
          label={t.open(moment(at, line.pbx), number)}
        >
          {moment(at, line.pbx)}
        </Go>
      </th>
      <td data-label={t.number}>
        <Icon name={line.direction} />
        <span class="unseen">{messages.value.direction[line.direction]} </span>
        {number}
      </td>
      <td data-label={t.queue}>{queues.map((name) => queueText(name, line.pbx)).join(" → ")}</td>
      <td data-label={t.person}>
        {line.agents.length === 0
          ? line.seats.join(messages.value.comma)
          : line.agents.map(personText).join(messages.value.comma)}
      </td>
      <td data-label={t.outcome} data-outcome={line.outcome}>
        {outcomeText(line.outcome)} {line.gap && <GapMark />}
      </td>
      <td class="hx-num" data-label={t.wait}>
        <Seconds of={line.wait_s} />
      </td>
      <td class="hx-num" data-label={t.talk}>
        <Seconds of={line.talk_s} />
      </td>
      <td class="hx-num" data-label={t.hold}>
        {line.hold_s > 0 ? <Seconds of={line.hold_s} /> : <span class="faint">–</span>}
      </td>
      <td data-label={t.rule}>
        <Rules rules={line.rules} />
      </td>
      <td data-label={t.orderAndSound}>
        <span class="hx-has">
          {line.order !== null && <Has icon="order" word={t.hasOrder} />}
          {line.recordings > 0 && <Has icon="sound" word={t.hasSound(line.recordings)} />}
        </span>
      </td>
    </tr>
  );
}

function Has({ icon, word }: { icon: "order" | "sound"; word: string }) {
  return (
    <span title={word}>
      <Icon name={icon} />
      <span class="unseen">{word}</span>
    </span>
  );
}
