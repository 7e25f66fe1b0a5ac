import { store } from "../live/store";
import { duration } from "../model/format";
import { surgeStrength } from "../model/rules";
import type { Surge } from "../model/types";
import { Icon } from "../ui/icons";
import { Figure } from "../ui/parts";
import { pbxTime } from "../ui/words";
import { surgeOf } from "./surge";
import { Ticking } from "./Ticking";
import { board } from "./words";

function reasons(surge: Surge): string {
  return surge.reached.map((one) => board.value.surge.by[one]).join(" · ");
}

/** A queue's surge among those who need help; `folded`: for how many warnings it stands. */
export function SurgeCard({ id, folded }: { id: string; folded: number }) {
  const t = board.value.surge;
  const surge = surgeOf(id);
  const queue = store.queue(id);
  if (surge === undefined || queue === undefined) return null;
  const strength = surgeStrength(surge.level);
  const { since } = surge;
  return (
    <button
      type="button"
      class="card"
      data-strength={strength}
      data-surge={id}
      data-stopped={store.isStopped(queue.pbx) ? "yes" : "no"}
      title={t.goTo}
      onClick={() =>
        document
          .querySelector(`[data-queue="${CSS.escape(queue.name)}"]`)
          ?.scrollIntoView({ block: "center" })
      }
    >
      <span class="card-top">
        <span class="card-strength">
          <Icon name={strength} />
          {t.level(surge.level)}
        </span>
        <span class="card-rule">{reasons(surge)}</span>
      </span>
      <span class="card-main">
        <span class="card-who">
          <b>{queue.label}</b>
        </span>
        <span class="card-time">
          <b>
            {since !== null && <Ticking pbx={queue.pbx} text={(now) => duration(now - since)} />}
          </b>
        </span>
      </span>
      <span class="card-foot">
        <span class="card-todo">{folded > 0 ? t.folded(folded) : t.todo}</span>
        {since !== null && (
          <span class="card-over">{t.since(pbxTime(since, queue.pbx, false))}</span>
        )}
      </span>
    </button>
  );
}

/** The same as a small sign at the queue itself. */
export function SurgeTag({ id }: { id: string }) {
  const t = board.value.surge;
  const surge = surgeOf(id);
  if (surge === undefined) return null;
  const strength = surgeStrength(surge.level);
  const since = surge.since === null ? "" : t.since(pbxTime(surge.since, surge.pbx, false));
  const why = [reasons(surge), since, t.why];
  return (
    <Figure
      class="tag surge-tag"
      strength={strength}
      name={t.level(surge.level)}
      why={why.filter((part) => part !== "").join(" · ")}
    >
      <Icon name={strength} />
      {t.level(surge.level)}
    </Figure>
  );
}

/** One line for the alerts that a surge stands for. */
export function FoldedAlerts({ id, count }: { id: string; count: number }) {
  const t = board.value.surge;
  const surge = surgeOf(id);
  const queue = store.queue(id);
  if (surge === undefined || queue === undefined) return null;
  const strength = surgeStrength(surge.level);
  return (
    <li class="alert" data-strength={strength} data-cleared="no" data-surge={id}>
      <div class="alert-top">
        <span class="alert-level">
          <Icon name={strength} />
          {t.level(surge.level)}
        </span>
        {surge.since !== null && <time>{pbxTime(surge.since, queue.pbx)}</time>}
      </div>
      <div class="alert-main">
        <span class="alert-who">{queue.label}</span>
        <span class="alert-value">{count > 0 ? t.folded(count) : reasons(surge)}</span>
      </div>
    </li>
  );
}
