import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, items } from "../api/client";
import type { Page, SeatView } from "../api/types";
import { messages } from "../i18n";
import { me } from "../live/session";
import { Icon } from "../ui/icons";
import { Live } from "../ui/parts";
import { ProblemLine } from "./parts";
import { seatCommand } from "./state";
import { ago, dialog, owedCounts, show } from "./ui";
import { deskWords } from "./words";

const LOOK_EVERY_MS = 3000;
const collator = new Intl.Collator("zh-CN", { numeric: true });

/** Which phone, and whether it works: before the shift. */
export function SignIn() {
  const t = deskWords.value.seat;
  const seats = useSignal<readonly SeatView[] | null>(null);
  const wanted = useSignal("");
  const chosen = useSignal<string | null>(null);
  const busy = useSignal(false);
  useEffect(() => {
    let over = false;
    const look = async () => {
      const answer = await api<Page<SeatView> | readonly SeatView[]>("seats");
      if (answer.ok && !over) seats.value = [...items(answer.value)].sort(byLabel);
    };
    void look();
    // The phone check is of the moment: a phone that rings now must be seen to have rung.
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [seats]);
  const all = seats.value ?? [];
  const words = wanted.value.trim().toLowerCase();
  const found = all.filter(({ seat, label, group }) =>
    `${seat} ${label} ${group ?? ""}`.toLowerCase().includes(words),
  );
  const seat = all.find((one) => keyOf(one) === chosen.value);
  const signIn = async () => {
    if (seat === undefined) return;
    busy.value = true;
    const refused = await seatCommand("sign-in", { pbx: seat.pbx, seat: seat.seat });
    busy.value = false;
    if (refused === null) show(null);
  };
  return (
    <div class="sign-in">
      <section class="sign-in-list" aria-labelledby="sign-in-heading">
        <h2 id="sign-in-heading">{t.heading}</h2>
        <p class="faint">{t.lead}</p>
        <input
          type="search"
          aria-label={t.search}
          placeholder={t.search}
          value={wanted.value}
          onInput={(event) => {
            wanted.value = event.currentTarget.value;
          }}
        />
        {seats.value !== null && found.length === 0 && (
          <p class="nothing">{all.length === 0 ? t.none : t.noMatch}</p>
        )}
        <div class="seat-list" role="radiogroup" aria-label={t.list}>
          {found.map((one) => (
            <label
              key={keyOf(one)}
              class="seat-choice"
              data-reachable={one.reachable ? "yes" : "no"}
              data-chosen={chosen.value === keyOf(one) ? "yes" : "no"}
            >
              <input
                type="radio"
                name="seat"
                value={keyOf(one)}
                checked={chosen.value === keyOf(one)}
                onChange={() => {
                  chosen.value = keyOf(one);
                }}
              />
              <strong>{one.label}</strong>
              <span class="faint">{one.group}</span>
              <span class="seat-choice-state">
                {sitter(one) ?? (one.reachable ? t.free : messages.value.state.unreachable)}
              </span>
            </label>
          ))}
        </div>
      </section>
      <section class="sign-in-check" aria-live="polite">
        {owedCounts.value.all > 0 && (
          <p class="notice">
            {t.owes(owedCounts.value.all)}{" "}
            <button type="button" class="link" onClick={() => show("work")}>
              {deskWords.value.tabs.work}
            </button>
          </p>
        )}
        <h2>{t.check}</h2>
        {seat === undefined ? (
          <p class="nothing">{t.lead}</p>
        ) : (
          <>
            <p class="sign-in-seat">{seat.label}</p>
            <ul class="checks">
              <li data-good={seat.reachable ? "yes" : "no"}>
                <Icon name={seat.reachable ? "calm" : "breach"} />
                {seat.reachable ? t.registered : t.notRegistered}
              </li>
              <li data-good={seat.rang_at === null ? "unknown" : "yes"}>
                <Icon name={seat.rang_at === null ? "notice" : "calm"} />
                {seat.rang_at === null ? (
                  t.neverRang
                ) : (
                  <Live text={() => t.rang(ago(seat.rang_at ?? 0, seat.pbx))} />
                )}
              </li>
            </ul>
            {seat.signed_in !== null && seat.signed_in !== me.value?.login && (
              <p class="notice">{t.replaces(seat.signed_in)}</p>
            )}
            <ProblemLine />
            <div class="sign-in-actions">
              <button
                type="button"
                class="button"
                data-kind="primary"
                disabled={busy.value}
                onClick={() => void signIn()}
              >
                {t.signIn}
              </button>
              <button
                type="button"
                class="button"
                onClick={() => {
                  dialog.value = { is: "fault", seat };
                }}
              >
                {t.report}
              </button>
            </div>
          </>
        )}
      </section>
    </div>
  );
}

/** Who else sits there, in words: signed in, or known to the queue by a name not the seat's own. */
function sitter({ signed_in, agent, label, state }: SeatView): string | null {
  const mine = me.value;
  const t = deskWords.value.seat;
  if (signed_in !== null) return signed_in === mine?.login ? null : t.taken(signed_in);
  const nobody = agent === null || agent === label || agent === mine?.name || agent === mine?.login;
  return nobody || state === "logged_out" ? null : t.inQueueAs(agent);
}

function keyOf(seat: SeatView): string {
  return `${seat.pbx}/${seat.seat}`;
}

function byLabel(a: SeatView, b: SeatView): number {
  return collator.compare(a.pbx, b.pbx) || collator.compare(a.label, b.label);
}
