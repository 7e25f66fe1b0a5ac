import { store } from "../live/store";
import { surgeStrength } from "../model/rules";
import { Icon } from "../ui/icons";
import { figure, longest, periodOf } from "./queue";
import { Value } from "./Value";
import { wallWords } from "./words";

/** Several queues, one a line. */
export function Overview({ keys }: { keys: readonly string[] }) {
  const t = wallWords.value;
  const first = store.queue(keys[0] ?? "");
  const gap = keys.some((key) => {
    const queue = store.queue(key);
    return queue !== undefined && figure(queue, "service_level").gap;
  });
  return (
    <>
      <table class="wall-table" data-rows={Math.max(3, keys.length)}>
        <thead>
          <tr>
            <th scope="col">{first === undefined ? t.queue : t.period[periodOf(first)]}</th>
            <th scope="col">{t.service_level}</th>
            <th scope="col">{t.waiting}</th>
            <th scope="col">{t.longest}</th>
            <th scope="col">{t.abandoned}</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <Row key={key} id={key} />
          ))}
        </tbody>
      </table>
      {gap && <GapNote />}
    </>
  );
}

/** What the hatch beside a figure means. */
export function GapNote() {
  return (
    <p class="wall-foot">
      <span class="wall-gap" />
      {wallWords.value.gap}
    </p>
  );
}

function Row({ id }: { id: string }) {
  const t = wallWords.value;
  const queue = store.queue(id);
  if (queue === undefined) return null;
  const level = store.surge(queue.pbx, queue.name)?.level ?? 0;
  const surge = surgeStrength(level);
  return (
    <tr data-strength={surge} data-stopped={store.isStopped(queue.pbx) ? "yes" : "no"}>
      <th scope="row">
        <span class="wall-name">{queue.label}</span>
        {level > 0 && (
          <span class="wall-surge" data-strength={surge}>
            <Icon name={surge === "calm" ? "notice" : surge} />
            {t.surge(level)}
          </span>
        )}
      </th>
      <td>
        <Value of={() => figure(queue, "service_level")} />
      </td>
      <td>
        <Value of={() => ({ text: `${queue.waiting.length}`, strength: "calm", gap: false })} />
      </td>
      <td>
        <Value of={() => longest(queue)} />
      </td>
      <td>
        <Value of={() => figure(queue, "abandoned")} />
      </td>
    </tr>
  );
}
