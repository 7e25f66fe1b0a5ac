import { useSignal } from "@preact/signals";
import { common } from "../i18n/common";
import { problemText } from "../live/problem";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/icons";
import { say } from "./control";
import { unitOf, wordsOf } from "./figures";
import { maySet, thresholds } from "./settings";
import type { Threshold, Thresholds } from "./thresholds";
import { board } from "./words";

const METRICS = ["service_level", "connect_rate", "within_rings", "asa", "abandoned"] as const;

/** Opens the dialog in which the colours' limits are set; only where they can be kept. */
export function ThresholdsButton() {
  const open = useSignal(false);
  if (!maySet(thresholds)) return null;
  return (
    <>
      <button
        type="button"
        class="control"
        data-does="thresholds"
        onClick={() => {
          open.value = true;
        }}
      >
        {board.value.thresholds.open}
      </button>
      {open.value && (
        <ThresholdsDialog
          onClose={() => {
            open.value = false;
          }}
        />
      )}
    </>
  );
}

/** Shares are written as percentages. */
function scale(key: string): number {
  return unitOf(key) === "share" ? 100 : 1;
}

function ThresholdsDialog({ onClose }: { onClose: () => void }) {
  const t = board.value.thresholds;
  const c = common.value;
  const kept = thresholds.kept.peek().value;
  const texts = useSignal<Readonly<Record<string, string>>>(
    Object.fromEntries(
      METRICS.flatMap((key) =>
        (["warn", "breach"] as const).map((side) => {
          const limit = kept[key]?.[side];
          const text = limit === undefined ? "" : `${Math.round(limit * scale(key) * 10) / 10}`;
          return [`${key}.${side}`, text];
        }),
      ),
    ),
  );
  const wrong = useSignal<string | null>(null);
  const save = async () => {
    const next: Record<string, Threshold> = { ...(kept as Thresholds) };
    for (const key of METRICS) {
      const [warn, breach] = (["warn", "breach"] as const).map((side) =>
        (texts.value[`${key}.${side}`] ?? "").trim(),
      );
      if (warn === "" && breach === "") {
        delete next[key];
        continue;
      }
      if (warn === "" || breach === "") {
        wrong.value = `${wordsOf(key).name}: ${t.both}`;
        return;
      }
      const limits = [Number(warn), Number(breach)] as const;
      if (limits.some((limit) => !Number.isFinite(limit))) {
        wrong.value = `${wordsOf(key).name}: ${t.number}`;
        return;
      }
      next[key] = { warn: limits[0] / scale(key), breach: limits[1] / scale(key) };
    }
    const problem = await thresholds.save(next);
    if (problem !== null) {
      wrong.value = problemText(problem);
      return;
    }
    say(board.value.done.thresholds);
    onClose();
  };
  return (
    <Dialog title={t.title} onClose={onClose}>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p>{t.lead}</p>
        <table class="limits">
          <thead>
            <tr>
              <th scope="col">{t.metric}</th>
              <th scope="col">{t.warn}</th>
              <th scope="col">{t.breach}</th>
            </tr>
          </thead>
          <tbody>
            {METRICS.map((key) => (
              <tr key={key}>
                <th scope="row">
                  {wordsOf(key).name}
                  {unitOf(key) === "share" && " %"}
                  {unitOf(key) === "seconds" && " s"}
                </th>
                {(["warn", "breach"] as const).map((side) => (
                  <td key={side}>
                    <input
                      type="text"
                      inputMode="decimal"
                      name={`${key}.${side}`}
                      aria-label={`${wordsOf(key).name} ${t[side]}`}
                      value={texts.value[`${key}.${side}`]}
                      onInput={(event) => {
                        const { value } = event.currentTarget;
                        texts.value = { ...texts.value, [`${key}.${side}`]: value };
                      }}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {wrong.value !== null && (
          <p class="problem" role="alert">
            <Icon name="breach" />
            {wrong.value}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" data-kind="quiet" onClick={onClose}>
            {c.cancel}
          </button>
          <button type="submit" class="button" data-kind="primary">
            {c.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
