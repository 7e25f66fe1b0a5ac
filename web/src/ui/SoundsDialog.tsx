import type { ComponentChildren } from "preact";
import { allowed, askToNotify } from "../desk/notify";
import { audible, chooseSound, chosenSound, play, type Signal, SOUNDS } from "../desk/sound";
import { common } from "../i18n/common";
import { Dialog } from "./Dialog";

interface Props {
  readonly words: {
    readonly title: string;
    readonly choose: string;
    /** What sounds when. */
    readonly hint: string;
    readonly notifyOn: string;
  };
  /** What is heard when a sound is chosen. */
  readonly example: Signal;
  readonly onClose: () => void;
  /** More to try. */
  readonly children?: ComponentChildren;
}

/** Which signals, how loud, and whether the desktop may show them. */
export function SoundsDialog({ words, example, onClose, children }: Props) {
  const t = common.value.sounds;
  const chosen = chosenSound();
  return (
    <Dialog title={words.title} onClose={onClose}>
      <div class="stack">
        <div class="field">
          <span class="label" id="sound-label">
            {words.choose}
          </span>
          <div class="choices" role="group" aria-labelledby="sound-label">
            {SOUNDS.map((sound) => (
              <button
                key={sound}
                type="button"
                class="button"
                data-sound={sound}
                data-first="yes"
                aria-pressed={chosen === sound}
                onClick={() => {
                  chooseSound(sound);
                  play(example, sound);
                }}
              >
                {t.kinds[sound]}
              </button>
            ))}
          </div>
          <p class="faint">{words.hint}</p>
          <p class="faint">{t.oneTab}</p>
          {!audible.value && <p class="faint">{t.blocked}</p>}
          {children}
        </div>
        <div class="field">
          <span class="label">{t.notify}</span>
          {allowed.value === "default" ? (
            <button type="button" class="button" onClick={() => void askToNotify()}>
              {t.notifyAsk}
            </button>
          ) : (
            <p>
              {
                { granted: words.notifyOn, denied: t.notifyDenied, none: t.notifyNone }[
                  allowed.value
                ]
              }
            </p>
          )}
        </div>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {common.value.close}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
