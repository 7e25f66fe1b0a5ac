import { audible, chosenSound } from "../desk/sound";
import { said } from "../desk/state";
import { common } from "../i18n/common";
import { Icon } from "./icons";

interface Props {
  readonly words: { readonly sound: string; readonly help: string };
  /** The key that shows all keys. */
  readonly helpKey: string;
  readonly onOpen: (dialog: "sound" | "help") => void;
}

/** Sound and keys, as two small buttons. */
export function Tools({ words, helpKey, onOpen }: Props) {
  const chosen = chosenSound();
  const off = chosen === "off" || !audible.value;
  return (
    <>
      <button
        type="button"
        class="control"
        data-does="sound"
        aria-label={words.sound}
        title={off && chosen !== "off" ? common.value.sounds.blocked : words.sound}
        onClick={() => onOpen("sound")}
      >
        <Icon name={off ? "mute" : "sound"} />
      </button>
      <button
        type="button"
        class="control"
        data-does="help"
        aria-label={words.help}
        title={`${words.help} (${helpKey})`}
        onClick={() => onOpen("help")}
      >
        <Icon name="help" />
      </button>
    </>
  );
}

/** What was done just now, in one line that goes by itself. */
export function Said() {
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

/** Instead of a page that cannot be shown yet. */
export function Starting({ text }: { text: string }) {
  return (
    <p class="starting" role="status">
      {text}
    </p>
  );
}
