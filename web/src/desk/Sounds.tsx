import { Dialog } from "../ui/Dialog";
import { allowed, askToNotify } from "./notify";
import { audible, chooseSound, chosenSound, play, SOUNDS } from "./sound";
import { closeDialog } from "./ui";
import { deskWords } from "./words";

/** Which signals, how loud, and whether the desktop may show them. */
export function Sounds() {
  const t = deskWords.value.sounds;
  const chosen = chosenSound();
  return (
    <Dialog title={t.title} onClose={closeDialog}>
      <div class="stack">
        <div class="field">
          <span class="label" id="sound-label">
            {t.choose}
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
                  play("warning", sound);
                }}
              >
                {t.kinds[sound]}
              </button>
            ))}
          </div>
          <p class="faint">{t.hint}</p>
          {!audible.value && <p class="faint">{t.blocked}</p>}
          <div class="choices">
            <button type="button" class="button" onClick={() => play("warning")}>
              {t.tryWarning}
            </button>
            <button type="button" class="button" onClick={() => play("breach")}>
              {t.tryBreach}
            </button>
          </div>
        </div>
        <div class="field">
          <span class="label">{t.notify}</span>
          {allowed.value === "default" ? (
            <button type="button" class="button" onClick={() => void askToNotify()}>
              {t.notifyAsk}
            </button>
          ) : (
            <p>
              {{ granted: t.notifyOn, denied: t.notifyDenied, none: t.notifyNone }[allowed.value]}
            </p>
          )}
        </div>
      </div>
    </Dialog>
  );
}
