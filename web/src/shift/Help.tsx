import { common } from "../i18n/common";
import { allowed, askToNotify } from "../desk/notify";
import { audible, chooseSound, chosenSound, play, SOUNDS } from "../desk/sound";
import { Dialog } from "../ui/Dialog";
import { keyName, KEYS } from "./hotkeys";
import { STEPS } from "./steps";
import { closeShiftDialog } from "./ui";
import { shiftWords } from "./words";

/** Every key that does something. */
export function Help() {
  const t = shiftWords.value;
  const w = t.keys.what;
  const lists: readonly (readonly [string, string])[] = [
    [keyName("next"), w.next],
    [keyName("previous"), w.previous],
    ["Enter", w.open],
    ["Esc", w.leave],
    ["1 – 5", w.tabs],
    ["/", w.search],
    ["?", w.help],
    ["Ctrl+Enter", w.send],
  ];
  const steps = STEPS.filter((step) => step in KEYS).map((step): [string, string] => [
    keyName(step as keyof typeof KEYS),
    t.step[step],
  ]);
  const decide: readonly (readonly [string, string])[] = [
    [keyName("select"), w.select],
    ["Shift+A", w.grant],
    ["Shift+R", w.refuse],
  ];
  return (
    <Dialog title={t.keys.title} wide class="help" onClose={closeShiftDialog}>
      <p tabIndex={-1} data-first="yes">
        {t.keys.lead}
      </p>
      <div class="help-groups">
        <Group title={t.keys.lists} keys={lists} />
        <Group
          title={t.keys.steps}
          keys={[...steps, [keyName("call"), w.call], [keyName("edit"), w.edit]]}
        />
        <Group title={t.keys.decide} keys={decide} />
      </div>
    </Dialog>
  );
}

function Group({ title, keys }: { title: string; keys: readonly (readonly [string, string])[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key} class="help-key">
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** How an urgent order sounds, and whether the desktop may show it. */
export function Sounds() {
  const t = shiftWords.value.sounds;
  const chosen = chosenSound();
  return (
    <Dialog title={t.title} onClose={closeShiftDialog}>
      <div class="stack">
        <div class="field">
          <span class="label" id="sl-sound">
            {t.choose}
          </span>
          <div class="choices" role="group" aria-labelledby="sl-sound">
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
                  play("breach", sound);
                }}
              >
                {t.kinds[sound]}
              </button>
            ))}
          </div>
          <p class="faint">{t.hint}</p>
          {!audible.value && <p class="faint">{t.blocked}</p>}
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
        <div class="dialog-actions">
          <button type="button" class="button" onClick={closeShiftDialog}>
            {common.value.close}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
