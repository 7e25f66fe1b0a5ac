import { messages } from "../i18n";
import { common } from "../i18n/common";
import { Conflict } from "../desk/Conflict";
import { Dialogs } from "../desk/dialogs";
import { may, me } from "../live/session";
import { store } from "../live/store";
import { FloatingNote } from "../ui/floating";
import { Icon } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { StaleBanner } from "../ui/Stale";
import { Said, Starting, Tools } from "../ui/Tools";
import { Appeals } from "./Appeals";
import { ShiftDialogs } from "./dialogs";
import { Handovers } from "./Handover";
import { InboxPage } from "./Inbox";
import { OrdersPage } from "./Orders";
import { Roster } from "./Roster";
import {
  appealsWaiting,
  chooseTeam,
  inbox,
  leads,
  lost,
  loadInbox,
  personName,
  showTab,
  tab,
  tabs,
  teamNames,
  teamShown,
  toTake,
  unseenUrgent,
  waiting,
} from "./state";
import { dialog } from "./ui";
import { shiftWords } from "./words";
import { problemText } from "../live/problem";

export function ShiftApp() {
  if (me.value === null) return <Starting text={common.value.waitingForServer} />;
  const stale = leads.value && store.feed.value.is !== "live";
  return (
    <div class="app shift" data-stale={stale ? "yes" : "no"}>
      <PageHeader
        page="shift"
        tools={
          leads.value ? (
            <Tools
              words={shiftWords.value}
              helpKey="?"
              onOpen={(is) => {
                dialog.value = { is };
              }}
            />
          ) : null
        }
      >
        {leads.value && <Tabs />}
      </PageHeader>
      <div class="banners">
        {leads.value && <StaleBanner />}
        <Lost />
      </div>
      {!leads.value ? (
        <NoRight />
      ) : store.loaded.value ? (
        <Body />
      ) : (
        <Starting text={messages.value.stale.connecting} />
      )}
      <Said />
      <Announcer />
      <Conflict />
      <Dialogs />
      <ShiftDialogs />
      <FloatingNote />
    </div>
  );
}

function Body() {
  const now = tab.value;
  return (
    <div class="body sl-body">
      {now === "inbox" && <InboxPage />}
      {now === "orders" && <OrdersPage />}
      {now === "appeals" && <Appeals />}
      {now === "roster" && <Roster />}
      {now === "handover" && <Handovers />}
    </div>
  );
}

/** What the person may open instead. */
function NoRight() {
  const t = shiftWords.value;
  const c = common.value;
  const who = me.value;
  if (who === null) return null;
  const board = may("board");
  const desk = may("desk");
  return (
    <main class="sl-no-right">
      <h2>{t.noRightTitle}</h2>
      <p>{t.noRight(c.role[who.role])}</p>
      {(board || desk) && <p>{t.goTo}</p>}
      <p class="sl-links">
        {desk && (
          <a class="button" data-kind="primary" href="./desk">
            {c.nav.desk}
          </a>
        )}
        {board && (
          <a class="button" href="./">
            {c.nav.board}
          </a>
        )}
      </p>
    </main>
  );
}

function Tabs() {
  const t = shiftWords.value;
  const counts = {
    inbox: waiting.value,
    orders: 0,
    appeals: appealsWaiting.value,
    roster: 0,
    handover: toTake.value.length,
  };
  return (
    <>
      <nav class="tabs" aria-label={t.name}>
        {tabs.value.map((name, index) => (
          <button
            key={name}
            type="button"
            class="tab"
            data-tab={name}
            aria-current={tab.value === name ? "page" : undefined}
            title={`${t.tabs[name]} (${index + 1})`}
            onClick={() => showTab(name)}
          >
            {t.tabs[name]}
            {counts[name] > 0 && (
              <span
                class="count"
                data-strength={name === "inbox" && unseenUrgent.value > 0 ? "urgent" : "calm"}
              >
                {counts[name]}
              </span>
            )}
          </button>
        ))}
      </nav>
      <OnDuty />
    </>
  );
}

/** Who leads now, and whose orders are shown. */
function OnDuty() {
  const t = shiftWords.value;
  const found = inbox.value?.on_duty;
  return (
    <div class="sl-duty">
      {teamNames.value.length > 1 && (
        <select
          class="sl-team"
          aria-label={t.team}
          value={teamShown.value}
          onChange={(event) => chooseTeam(event.currentTarget.value)}
        >
          <option value="">{t.allTeams}</option>
          {teamNames.value.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      {found !== undefined &&
        (found.leaders.length === 0 ? (
          <strong class="sl-nobody" title={t.nobodyOnDutyWhy}>
            <Icon name="warning" />
            {t.nobodyOnDuty}
          </strong>
        ) : (
          <span class="sl-on-duty">
            <span class="faint">{t.onDuty}</span>{" "}
            {found.leaders.map(({ login }) => personName(login)).join(messages.value.comma)}
            {found.deputies.length > 0 && (
              <>
                {" "}
                <span class="faint">{t.deputies}</span>{" "}
                {found.deputies.map(({ login }) => personName(login)).join(messages.value.comma)}
              </>
            )}
          </span>
        ))}
    </div>
  );
}

/** What is shown may be old: the last question was not answered. */
function Lost() {
  const t = shiftWords.value;
  const found = lost.value;
  if (found === null || store.feed.value.is !== "live") return null;
  return (
    <div class="banner" role="alert" data-soft="yes">
      <Icon name="warning" large />
      <span>
        {t.loadFailed} {problemText(found)}
      </span>
      <button type="button" class="button" onClick={() => void loadInbox()}>
        {t.retry}
      </button>
    </div>
  );
}

/** Tells screen readers of urgent orders, without moving the focus. */
function Announcer() {
  const urgent = unseenUrgent.value;
  return (
    <div class="unseen" role="log" aria-live="assertive">
      {urgent > 0 && <p key={urgent}>{shiftWords.value.notify.urgent(urgent)}</p>}
    </div>
  );
}
