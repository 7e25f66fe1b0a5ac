import type { Phrase } from "../api/types";
import { lang } from "../i18n";
import { common } from "../i18n/common";
import { categoryName, form } from "../live/form";
import { valueAt } from "./draft";
import { fits, phraseFor, spoken } from "./phrases";
import { draft, earlier, liveSeat, mySeat, openOrder, view } from "./state";
import { moment, namesOf, numberText, titleText } from "./ui";
import { deskWords } from "./words";

/** Who calls, and what may be said. */
export function Side() {
  return (
    <aside class="side">
      <Earlier />
      <Phrases />
    </aside>
  );
}

function Earlier() {
  const t = deskWords.value.side;
  const c = common.value;
  const known = earlier.value;
  const others = known?.orders.filter(({ id }) => id !== view.value?.id) ?? [];
  return (
    <section aria-labelledby="earlier-heading">
      <h2 id="earlier-heading">{t.earlier}</h2>
      {known === null ? (
        <p class="nothing">{t.earlierNobody}</p>
      ) : others.length === 0 ? (
        <p class="nothing">
          {numberText(known.number)} · {t.earlierNone}
        </p>
      ) : (
        <ul class="earlier">
          {others.map((order) => (
            <li key={order.id}>
              <button
                type="button"
                class="earlier-order"
                data-earlier={order.id}
                onClick={() => void openOrder(order.id)}
              >
                <span class="earlier-title">{titleText(order)}</span>
                <span class="faint">
                  {moment(order.opened_at, order.pbx)} · {categoryName(order.category, order.queue)}{" "}
                  · {c.orderState[order.state]}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** The standard phrases; those of the moment stand in the strip above. */
function Phrases() {
  const t = deskWords.value.side;
  const order = view.value;
  const queue = liveSeat.value?.queue ?? order?.queue ?? null;
  const names = namesOf(order?.pbx ?? mySeat.value?.pbx ?? null, queue);
  const all = form.value?.phrases[lang.value === "en" ? "en" : "zh"] ?? [];
  const phrases = all.filter((phrase) => fits(phrase, queue));
  if (phrases.length === 0) return null;
  const now = liveSeat.value?.state === "talking" ? closing(phrases) : [];
  return (
    <section class="phrases" aria-labelledby="phrases-heading">
      <h2 id="phrases-heading">{t.phrases}</h2>
      {now.length > 0 && (
        <div class="phrases-now">
          <p class="label">{t.forNow}</p>
          {now.map(({ key, text }) => (
            <p key={key}>{spoken(text, names)}</p>
          ))}
        </div>
      )}
      {phrases.map(({ key, title, text }) => (
        <details key={key}>
          <summary>{title}</summary>
          <p>{spoken(text, names)}</p>
        </details>
      ))}
    </section>
  );
}

/** What belongs to the end of the call; the closing by category, where the site has one. */
function closing(phrases: readonly Phrase[]): readonly Phrase[] {
  const category = draft.value === null ? "" : String(valueAt(draft.value, "category"));
  const queue = liveSeat.value?.queue ?? null;
  return ["before_closing", "closing"]
    .map((situation) => phraseFor(phrases, situation, queue, category))
    .filter((phrase) => phrase !== null);
}
