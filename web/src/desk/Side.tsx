import { lang } from "../i18n";
import { common } from "../i18n/common";
import { categoryName, form } from "../live/form";
import { earlier, openOrder, view } from "./state";
import { moment, numberText, titleText } from "./ui";
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
  const phrases = form.value?.phrases[lang.value === "en" ? "en" : "zh"] ?? [];
  if (phrases.length === 0) return null;
  return (
    <section class="phrases" aria-labelledby="phrases-heading">
      <h2 id="phrases-heading">{t.phrases}</h2>
      {phrases.map(({ key, title, text }) => (
        <details key={key}>
          <summary>{title}</summary>
          <p>{text}</p>
        </details>
      ))}
    </section>
  );
}
