import { messages } from "../i18n";
import { common } from "../i18n/common";
import { me } from "../live/session";
import { store } from "../live/store";
import { FloatingNote } from "../ui/floating";
import { Icon } from "../ui/icons";
import { Part } from "../ui/Part";
import { PageHeader } from "../ui/PageHeader";
import { StaleBanner } from "../ui/Stale";
import { Conflict } from "./Conflict";
import { Dialogs } from "./dialogs";
import { Messages } from "./Messages";
import { Mine } from "./Mine";
import { OrderPanel } from "./OrderPanel";
import { Owed } from "./Owed";
import { SeatBar } from "./SeatBar";
import { Side } from "./Side";
import { SignIn } from "./SignIn";
import { audible, chosenSound } from "./sound";
import { currentOrder, liveSeat, mySeat, said, view } from "./state";
import { Strip } from "./Strip";
import { dialog, numberText, tab } from "./ui";
import { deskWords } from "./words";

export function DeskApp() {
  if (me.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  return (
    <div class="app desk" data-stale={store.feed.value.is === "live" ? "no" : "yes"}>
      <PageHeader page="desk" tools={<Tools />}>
        <SeatBar />
      </PageHeader>
      <div class="banners">
        <StaleBanner />
      </div>
      <Messages />
      {store.loaded.value ? (
        <Body />
      ) : (
        <p class="starting" role="status">
          {messages.value.stale.connecting}
        </p>
      )}
      <Said />
      <Announcer />
      <Conflict />
      <Dialogs />
      <FloatingNote />
    </div>
  );
}

function Body() {
  const now = tab.value;
  return (
    <div class="body desk-frame">
      {(mySeat.value !== null || now === "work") && (
        <Part>
          <Strip />
        </Part>
      )}
      {now === "seat" && (
        <Part>
          <SignIn />
        </Part>
      )}
      {now === "mine" && (
        <Part>
          <Mine />
        </Part>
      )}
      {now === "work" && (
        <div class="desk-body">
          <Part>
            <Owed />
          </Part>
          <Part>
            <OrderPanel />
          </Part>
          <Part>
            <Side />
          </Part>
        </div>
      )}
    </div>
  );
}

function Tools() {
  const t = deskWords.value;
  const off = chosenSound() === "off" || !audible.value;
  return (
    <>
      <button
        type="button"
        class="control"
        aria-label={t.sound}
        title={off && chosenSound() !== "off" ? t.sounds.blocked : t.sound}
        onClick={() => {
          dialog.value = { is: "sound" };
        }}
      >
        <Icon name={off ? "mute" : "sound"} />
      </button>
      <button
        type="button"
        class="control"
        aria-label={t.help}
        title={`${t.help} (${t.helpKey})`}
        onClick={() => {
          dialog.value = { is: "help" };
        }}
      >
        <Icon name="help" />
      </button>
    </>
  );
}

/** What was done just now, in one line that goes by itself. */
function Said() {
  const now = said.value;
  return (
    <div class="said" role="status" aria-live="polite">
      {now !== null && (
        <p key={now.id} class="said-line" data-kind={now.kind}>
          <Icon name={now.kind === "done" ? "calm" : "notice"} />
          {now.text}
        </p>
      )}
    </div>
  );
}

/** Tells screen readers what the call does, without moving the focus. */
function Announcer() {
  const t = deskWords.value.announce;
  const seat = liveSeat.value;
  const waiting = currentOrder.value;
  let text = "";
  if (seat?.state === "ringing") text = t.ringing(numberText(seat.caller));
  else if (waiting !== null) text = view.value?.id === waiting ? t.opened : t.waiting;
  return (
    <div class="unseen" role="log" aria-live="assertive">
      {text !== "" && <p key={text}>{text}</p>}
    </div>
  );
}
