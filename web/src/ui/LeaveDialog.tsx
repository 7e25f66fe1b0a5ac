import { common } from "../i18n/common";
import type { Stuck } from "../live/session";
import { Dialog } from "./Dialog";

interface Props {
  readonly stuck: Stuck;
  readonly onLeave: (regardless: boolean) => Promise<void>;
  readonly onClose: () => void;
}

/** Logging out did not go through: what would stay behind, and what can be done. */
export function LeaveDialog({ stuck, onLeave, onClose }: Props) {
  const c = common.value;
  return (
    <Dialog title={c.leave.title} onClose={onClose}>
      {stuck.problem !== null && <p>{c.leave.noServer}</p>}
      {stuck.drafts > 0 && <p>{c.leave.drafts(stuck.drafts)}</p>}
      <div class="dialog-actions">
        <button type="button" class="button" data-kind="quiet" onClick={onClose}>
          {c.cancel}
        </button>
        {stuck.drafts > 0 && (
          <button type="button" class="button" onClick={() => void onLeave(true)}>
            {c.leave.anyway}
          </button>
        )}
        <button
          type="button"
          class="button"
          data-kind="primary"
          data-first="yes"
          onClick={() => void onLeave(false)}
        >
          {c.leave.again}
        </button>
      </div>
    </Dialog>
  );
}
