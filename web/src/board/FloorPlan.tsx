import { useRef } from "preact/hooks";
import { store } from "../live/store";
import { useRoom } from "../ui/rooms";
import { SeatTile } from "../ui/SeatTile";
import { unplaced } from "./plan";
import { floorPlan, maySet } from "./settings";
import { arranging, choose, VIEWS, view } from "./view";
import { board } from "./words";

/** By team or as the room is; and the way to arrange it. */
export function ViewChoice() {
  const t = board.value.view;
  return (
    <div class="view-choice">
      <div class="segments" role="group" aria-label={t.label}>
        {VIEWS.map((name) => (
          <button
            key={name}
            type="button"
            data-view={name}
            aria-pressed={view.value === name}
            disabled={arranging.value}
            onClick={() => choose(name)}
          >
            {t[name]}
          </button>
        ))}
      </div>
      {view.value === "plan" && !arranging.value && maySet(floorPlan) && (
        <button
          type="button"
          class="control"
          data-does="arrange"
          onClick={() => {
            arranging.value = true;
          }}
        >
          {t.edit}
        </button>
      )}
    </div>
  );
}

/** The seats where they stand in the room; those without a place come after it. */
export function FloorPlan() {
  const t = board.value.view;
  const { value: plan } = floorPlan.kept.value;
  const may = maySet(floorPlan);
  const box = useRef<HTMLDivElement>(null);
  const room = useRoom(box);
  const keys = store.seatGroups.value.flatMap(({ seats }) => seats);
  const known = new Set(keys);
  const here = [...plan.seats].filter(([key]) => known.has(key));
  const rest = unplaced(plan, keys);
  // Row by row, so that the arrow keys and a screen reader go as the eye does.
  here.sort(([, a], [, b]) => a.y - b.y || a.x - b.x);
  return (
    <div ref={box}>
      {here.length === 0 && (
        <p class="plan-empty">
          {t.empty} {may ? t.emptyEdit : t.emptyReadOnly}
        </p>
      )}
      {here.length > 0 && (
        <div class="plan-scroll">
          <ul
            class="plan"
            aria-label={t.plan}
            style={{ "--columns": `${plan.columns}`, "--rows": `${plan.rows}` }}
          >
            {here.map(([key, at]) => (
              <SeatTile key={key} id={key} room={room} at={at} />
            ))}
          </ul>
        </div>
      )}
      {rest.length > 0 && (
        <div class="group">
          <h3 class="group-name">
            {t.tray} <span class="faint">{rest.length}</span>
          </h3>
          <ul class="tiles" aria-label={t.tray}>
            {rest.map((key) => (
              <SeatTile key={key} id={key} room={room} />
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
