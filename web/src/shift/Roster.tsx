import { useEffect } from "preact/hooks";
import type { Duty } from "../api/types";
import { lang } from "../i18n";
import { common } from "../i18n/common";
import { form } from "../live/form";
import { may, me } from "../live/session";
import { store } from "../live/store";
import { dutyProblem, duties, loadWeek, monday, offset, weeksAway } from "./duties";
import { Refused } from "./parts";
import { personName, personText, teamShown } from "./state";
import { dialog } from "./ui";
import { clockText, DAY_S, dateText } from "../model/dates";
import { cell, hoursText, midnights, type Shown, teamsOf } from "./week";
import { shiftWords } from "./words";

/** Who leads which team when, week by week. */
export function Roster() {
  const t = shiftWords.value.roster;
  const from = monday.value;
  useEffect(() => {
    if (from !== null) void loadWeek();
  }, [from]);
  const found = duties.value;
  return (
    <main class="sl-page sl-roster">
      <header class="sl-page-top">
        <h2>
          {t.heading}{" "}
          {from !== null && (
            <span class="faint">
              {t.week(dateText(from, offset.value), dateText(from + 6 * DAY_S, offset.value))}
            </span>
          )}
        </h2>
        <div class="choices">
          <button type="button" class="button" onClick={() => move(-1)}>
            ‹ {t.previous}
          </button>
          <button
            type="button"
            class="button"
            aria-pressed={weeksAway.value === 0}
            onClick={() => {
              weeksAway.value = 0;
            }}
          >
            {t.thisWeek}
          </button>
          <button type="button" class="button" onClick={() => move(1)}>
            {t.next} ›
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              dialog.value = { is: "import" };
            }}
          >
            {t.import}
          </button>
        </div>
      </header>
      <Refused problem={dutyProblem.value} />
      {found === null || from === null ? (
        <p class="starting">{common.value.loading}</p>
      ) : (
        <>
          {found.length === 0 && (
            <p class="notice">
              {t.none} {t.noneWhy}
            </p>
          )}
          <Week from={from} found={found} />
        </>
      )}
    </main>
  );
}

function move(by: number): void {
  weeksAway.value += by;
}

function Week({ from, found }: { from: number; found: readonly Duty[] }) {
  const t = shiftWords.value.roster;
  const days = [0, 1, 2, 3, 4, 5, 6].map((n) => from + n * DAY_S);
  const now = store.serverNow.value ?? 0;
  const names = Object.values(t.days);
  const chosen = teamShown.value;
  const teams = teamsOf(form.value?.teams ?? [], found).filter(
    (team) => chosen === "" || team === "" || team === chosen,
  );
  return (
    <div class="table-box sl-week-box">
      <table class="sl-week">
        <thead>
          <tr>
            <th scope="col">{t.team}</th>
            {days.map((day, n) => {
              const today = now >= day && now < day + DAY_S;
              return (
                <th key={day} scope="col" data-today={today ? "yes" : "no"}>
                  {names[n]} <span class="faint">{dateText(day, offset.value).slice(5)}</span>
                  {today && <span class="chip">{t.today}</span>}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {teams.map((team) => (
            <tr key={team} data-team={team}>
              <th scope="row">{team === "" ? t.everyTeam : team}</th>
              {days.map((day) => (
                <Cell key={day} team={team} day={day} shown={cell(found, team, day)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ team, day, shown }: { team: string; day: number; shown: readonly Shown[] }) {
  const t = shiftWords.value.roster;
  const now = store.serverNow.value ?? 0;
  const today = now >= day && now < day + DAY_S;
  const date = dateText(day, offset.value);
  return (
    <td data-today={today ? "yes" : "no"} data-day={date}>
      <ul>
        {shown.map(({ duty, goesOn }) => (
          <li key={duty.id}>
            <Chip duty={duty} goesOn={goesOn} live={today && on(duty, now)} day={day} />
          </li>
        ))}
      </ul>
      {mayPut(team) && (
        <button
          type="button"
          class="sl-add"
          aria-label={t.addFor(team === "" ? t.everyTeam : team, date)}
          title={t.add}
          onClick={() => {
            dialog.value = { is: "duty", duty: null, team, day };
          }}
        >
          +
        </button>
      )}
    </td>
  );
}

/** Whether this person keeps the roster of `team` ("": of all teams at once). */
function mayPut(team: string): boolean {
  const own = me.value?.teams ?? [];
  return may("shift") && (own.length === 0 || own.includes(team));
}

function on(duty: Duty, now: number): boolean {
  return duty.from_at <= now && now < duty.to_at;
}

function Chip(of: { duty: Duty; goesOn: boolean; live: boolean; day: number }) {
  const t = shiftWords.value.roster;
  const c = common.value;
  const { duty, goesOn, live } = of;
  const hours = hoursText(duty, offset.value);
  const later = midnights(duty, offset.value) > 0;
  const space = lang.value === "en" ? " " : "";
  const until = clockText(duty.to_at, offset.value);
  const shared = {
    class: "sl-duty-chip",
    "data-duty": duty.id,
    "data-role": duty.role,
    "data-live": live ? "yes" : "no",
    "data-goes-on": goesOn ? "yes" : "no",
  };
  const shown = (
    <>
      <span class="sl-duty-name">
        {personName(duty.login)}
        {duty.role === "deputy" && <span class="chip">{c.dutyRole.deputy}</span>}
        {live && <span class="chip sl-live">{t.nowOn}</span>}
      </span>
      <span class="sl-duty-hours">
        {goesOn
          ? `…${t.until(until)}`
          : later
            ? `${clockText(duty.from_at, offset.value)}–${t.nextDay}${space}${until}`
            : hours}
      </span>
      {duty.note !== "" && <span class="sl-duty-note">{duty.note}</span>}
    </>
  );
  if (!mayPut(duty.team))
    return (
      <div {...shared} title={t.readOnly}>
        {shown}
      </div>
    );
  return (
    <button
      type="button"
      {...shared}
      title={duty.note === "" ? t.edit(personText(duty.login), hours) : duty.note}
      onClick={() => {
        dialog.value = { is: "duty", duty, team: duty.team, day: of.day };
      }}
    >
      {shown}
    </button>
  );
}
