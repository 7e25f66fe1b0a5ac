import { useEffect } from "preact/hooks";
import { type Order, ORDER_STATES } from "../api/types";
import { moment, numberText, titleText } from "../desk/ui";
import { common } from "../i18n/common";
import { categoryName, form } from "../live/form";
import { labelText } from "../live/problem";
import { may } from "../live/session";
import { StrengthTag } from "../ui/parts";
import { OrderPanel } from "./OrderPanel";
import { FieldError, Input, numberOf, Refused } from "./parts";
import {
  fileUrl,
  type Filters,
  filters,
  found,
  isRange,
  more,
  next,
  NO_FILTERS,
  search,
  searching,
  searchProblem,
} from "./search";
import { cursor, open, opened, people, personText } from "./state";
import { shiftWords } from "./words";

/** All orders of the scope: filters, results, files. */
export function OrdersPage() {
  useEffect(() => {
    if (found.peek() === null) void search();
  }, []);
  return (
    <main class="sl-split sl-wide" data-open={opened.value === null ? "no" : "yes"}>
      <div class="sl-list sl-page">
        <FilterForm />
        <Refused problem={searchProblem.value} />
        <Results />
      </div>
      {opened.value !== null && <OrderPanel key={opened.value} />}
    </main>
  );
}

function write<K extends keyof Filters>(place: K, value: Filters[K]): void {
  filters.value = { ...filters.peek(), [place]: value };
}

function FilterForm() {
  const t = shiftWords.value.orders;
  const c = common.value;
  const now = filters.value;
  const good = isRange(now);
  const categories = form.value?.categories[""] ?? [];
  const text = (place: "q" | "number" | "from" | "to", label: string, type: "search" | "date") => (
    <div class="field">
      <label for={`sl-${place}`}>{label}</label>
      <Input
        id={`sl-${place}`}
        type={type}
        value={now[place]}
        onInput={(value) => write(place, value)}
      />
    </div>
  );
  const choice = (
    place: "state" | "category" | "owner" | "kind",
    label: string,
    any: string,
    options: readonly (readonly [string, string])[],
  ) => (
    <div class="field">
      <label for={`sl-${place}`}>{label}</label>
      <select
        id={`sl-${place}`}
        value={now[place]}
        onChange={(event) => write(place, event.currentTarget.value)}
      >
        <option value="">{any}</option>
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
  const flag = (place: "urgent" | "overdue" | "own_service", label: string) => (
    <label class="check">
      <input
        type="checkbox"
        checked={now[place]}
        onChange={(event) => write(place, event.currentTarget.checked)}
      />
      {label}
    </label>
  );
  return (
    <form
      class="sl-filters"
      role="search"
      aria-label={t.heading}
      onSubmit={(event) => {
        event.preventDefault();
        if (good) void search();
      }}
    >
      {text("q", t.q, "search")}
      {text("number", t.number, "search")}
      {choice(
        "state",
        t.state,
        t.anyState,
        ORDER_STATES.map((state) => [state, c.orderState[state]] as const),
      )}
      {choice(
        "category",
        t.category,
        t.anyCategory,
        categories.map(({ key, label }) => [key, labelText(label)] as const),
      )}
      {choice(
        "owner",
        t.owner,
        t.anyOwner,
        people.value.map(({ login, name }) => [login, `${name} ${login}`] as const),
      )}
      {choice("kind", t.kind, t.anyKind, [
        ["call", c.orderKind.call],
        ["missed", c.orderKind.missed],
      ])}
      {text("from", t.from, "date")}
      {text("to", t.to, "date")}
      <div class="sl-flags">
        <span class="label">{t.flags}</span>
        {flag("urgent", t.urgent)}
        {flag("overdue", t.overdue)}
        {flag("own_service", t.ownService)}
      </div>
      <FieldError text={good ? null : t.badRange} />
      <div class="sl-filter-acts">
        <button type="submit" class="button" data-kind="primary" disabled={!good}>
          {t.search}
        </button>
        <button
          type="button"
          class="button"
          data-kind="quiet"
          onClick={() => {
            filters.value = NO_FILTERS;
            void search();
          }}
        >
          {t.clear}
        </button>
        <span class="sl-gap" />
        {may("orders.export") && (
          <>
            <a class="button" href={fileUrl("csv")} download="orders.csv">
              {t.exportCsv}
            </a>
            <a class="button" href={fileUrl("xlsx")} download="orders.xlsx">
              {t.exportXlsx}
            </a>
          </>
        )}
      </div>
    </form>
  );
}

function Results() {
  const t = shiftWords.value.orders;
  const list = found.value;
  if (list === null)
    return searchProblem.value === null ? <p class="starting">{t.loading}</p> : null;
  return (
    <section aria-label={t.results}>
      {list.length === 0 && <p class="nothing">{t.none}</p>}
      {list.length > 0 && (
        <div class="table-box">
          <table class="calls sl-results">
            <thead>
              <tr>
                <th>{t.column.opened}</th>
                <th>{t.column.title}</th>
                <th>{t.column.state}</th>
                <th>{t.category}</th>
                <th>{t.column.caller}</th>
                <th>{t.column.owner}</th>
              </tr>
            </thead>
            <tbody>
              {list.map((order) => (
                <Line key={order.id} order={order} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="sl-results-end">
        {next.value !== null && (
          <button
            type="button"
            class="button"
            disabled={searching.value}
            onClick={() => void more()}
          >
            {t.more}
          </button>
        )}
        {list.length > 0 && <span class="faint">{t.loaded(list.length)}</span>}
      </p>
    </section>
  );
}

function Line({ order }: { order: Order }) {
  const c = common.value;
  return (
    <tr
      data-row={order.id}
      data-cursor={cursor.value === order.id ? "yes" : "no"}
      data-open={opened.value === order.id ? "yes" : "no"}
      onClick={() => void open(order.id)}
    >
      <td>{moment(order.opened_at, order.pbx)}</td>
      <td class="sl-title-cell">
        <button type="button" class="link" data-row-main>
          {order.urgent !== null && <StrengthTag strength="urgent" word={c.urgentMark} />}{" "}
          {titleText(order)}
        </button>
      </td>
      <td>
        <span class="chip">{c.orderState[order.state]}</span>
      </td>
      <td>{order.category === null ? "–" : categoryName(order.category, order.queue)}</td>
      <td>{numberText(numberOf(order))}</td>
      <td>{personText(order.owner)}</td>
    </tr>
  );
}
