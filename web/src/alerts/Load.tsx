import { messages } from "../i18n";
import { store } from "../live/store";
import { Icon } from "../ui/icons";
import { loadOf, type SeatLoad, TOO_MANY_PER_HOUR } from "./load";
import { filter, lasted, load, narrow } from "./state";
import { alertsWords } from "./words";

/** How many alerts each seat had: whoever gets too many sees none of them. */
export function Load() {
  const t = alertsWords.value;
  const found = loadOf(load.value, lasted.value);
  const most = Math.max(1, found[0]?.total ?? 0);
  return (
    <aside class="inbox-load" aria-label={t.load}>
      <h2>{t.load}</h2>
      <p class="faint">{t.loadLead(t.spans[filter.value.span])}</p>
      {found.length === 0 ? (
        <p class="nothing">{t.noLoad}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{t.seat}</th>
              <th scope="col">{t.total}</th>
              <th scope="col">{t.perHour}</th>
            </tr>
          </thead>
          <tbody>
            {found.map((one) => (
              <Row key={`${one.pbx}/${one.seat}`} load={one} most={most} />
            ))}
          </tbody>
        </table>
      )}
    </aside>
  );
}

function Row({ load: one, most }: { load: SeatLoad; most: number }) {
  const t = alertsWords.value;
  const label =
    one.seat === null ? t.noSeat : (store.seat(`seat:${one.pbx}/${one.seat}`)?.label ?? one.seat);
  const many = one.perHour > TOO_MANY_PER_HOUR;
  const parts = (["warning", "breach", "escalation"] as const)
    .filter((level) => one[level] > 0)
    .map((level) => `${t.levels[level]} ${one[level]}`)
    .join(messages.value.separator);
  const share = (count: number) => `${Math.round((count / most) * 100)}`;
  return (
    <tr data-many={many ? "yes" : "no"}>
      <th scope="row">
        {one.seat === null ? (
          label
        ) : (
          <button type="button" class="link" onClick={() => narrow({ seat: one.seat ?? "" })}>
            {label}
          </button>
        )}
        <svg class="inbox-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect data-level="warning" width={share(one.warning)} height="6" />
          <rect
            data-level="breach"
            x={share(one.warning)}
            width={share(one.breach + one.escalation)}
            height="6"
          />
        </svg>
        <span class="faint">{parts}</span>
      </th>
      <td>{one.total}</td>
      <td>
        {many && <Icon name="warning" />}
        {one.perHour.toFixed(1)}
        {many && <span class="unseen"> {t.tooMany}</span>}
      </td>
    </tr>
  );
}
