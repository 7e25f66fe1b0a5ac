import { useEffect } from "preact/hooks";
import { store } from "../live/store";
import { Dialogs } from "../desk/dialogs";
import { said } from "../desk/state";
import { Conflict } from "../desk/Conflict";
import { ShiftDialogs } from "../shift/dialogs";
import { OrdersPage } from "../shift/Orders";
import { onKey } from "../shift/follow";
import { closePanel, loadPeople, open, opened, reloadOpened, showTab } from "../shift/state";
import { Icon } from "../ui/icons";
import { go, place } from "./place";

/** The shift leader's keys, but for the digits: there are no other tabs here to go to. */
function onOwnKey(event: KeyboardEvent): void {
  if (!/^\d$/.test(event.key)) onKey(event);
}

/**
 * Orders to be read, and noted on, by those who have no desk of their own: the shift leader's list
 * and panel, which offer each person no more than the server allows them.
 */
export function OrdersView() {
  const { query } = place.value;
  useEffect(() => {
    void loadPeople();
    showTab("orders");
    addEventListener("keydown", onOwnKey);
    const deaf = store.onNews((topics) => {
      if (topics === null || topics.includes("orders")) void reloadOpened();
    });
    return () => {
      removeEventListener("keydown", onOwnKey);
      deaf();
    };
  }, []);
  // The address leads: a link, or the back button, opens its order.
  useEffect(() => {
    if (query.id === undefined) closePanel();
    else if (opened.peek() !== query.id) void open(query.id);
  }, [query.id]);
  // And follows when another one is opened from the list.
  const shown = opened.value;
  useEffect(() => {
    const now = opened.peek();
    if (now !== (place.peek().query.id ?? null)) go("orders", { id: now });
  }, [shown]);
  return (
    <div class="hx-orders shift">
      <OrdersPage />
      <div class="said" role="status" aria-live="polite">
        {said.value !== null && (
          <p key={said.value.id} class="said-line" data-kind={said.value.kind}>
            <Icon name={said.value.kind === "done" ? "calm" : "notice"} />
            {said.value.text}
          </p>
        )}
      </div>
      <Conflict />
      <Dialogs />
      <ShiftDialogs />
    </div>
  );
}
