import { useEffect } from "preact/hooks";
import { store } from "../live/store";
import { Dialogs } from "../desk/dialogs";
import { said } from "../desk/state";
import { Conflict } from "../desk/Conflict";
import { ShiftDialogs } from "../shift/dialogs";
import { OrdersPage } from "../shift/Orders";
import { closePanel, loadPeople, open, opened, reloadOpened } from "../shift/state";
import { Icon } from "../ui/icons";
import { go, place } from "./place";

/**
 * Orders to be read, and noted on, by those who have no desk of their own: the shift leader's list
 * and panel, which offer each person no more than the server allows them.
 */
export function OrdersView() {
  const { query } = place.value;
  useEffect(() => {
    void loadPeople();
    return store.onNews((topics) => {
      if (topics === null || topics.includes("orders")) void reloadOpened();
    });
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
