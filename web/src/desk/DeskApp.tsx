import { messages } from "../i18n";
import { common } from "../i18n/common";
import { me } from "../live/session";
import { store } from "../live/store";
import { FloatingNote } from "../ui/floating";
import { Part } from "../ui/Part";
import { PageHeader } from "../ui/PageHeader";
import { StaleBanner } from "../ui/Stale";
import { Said, Starting, Tools } from "../ui/Tools";
import { Conflict } from "./Conflict";
import { Dialogs } from "./dialogs";
import { Messages } from "./Messages";
import { Mine } from "./Mine";
import { OrderPanel } from "./OrderPanel";
import { Owed } from "./Owed";
import { SeatBar } from "./SeatBar";
import { Side } from "./Side";
import { SignIn } from "./SignIn";
import { currentOrder, liveSeat, mySeat, view } from "./state";
import { Strip } from "./Strip";
import { dialog, numberText, tab } from "./ui";
import { deskWords } from "./words";

export function DeskApp() {
  if (me.value === null) return <Starting text={common.value.waitingForServer} />;
  return (
    <div class="app desk" data-stale={store.feed.value.is === "live" ? "no" : "yes"}>
      <PageHeader
        page="desk"
        tools={
          <Tools
            words={deskWords.value}
            helpKey={deskWords.value.helpKey}
            onOpen={(is) => {
              dialog.value = { is };
            }}
          />
        }
      >
        <SeatBar />
      </PageHeader>
      <div class="banners">
        <StaleBanner />
      </div>
      <Messages />
      {store.loaded.value ? <Body /> : <Starting text={messages.value.stale.connecting} />}
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
