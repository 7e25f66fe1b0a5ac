import { categoriesOf, form } from "../live/form";
import { labelText } from "../live/problem";
import { KeyGroup, type KeyLine, KeysDialog } from "../ui/KeyList";
import { type DeskAction, keyOf } from "./hotkeys";
import { view } from "./state";
import { closeDialog, keys } from "./ui";
import { deskWords } from "./words";

const CALL: readonly DeskAction[] = [
  "open_current",
  "consent",
  "silent_call",
  "bad_line",
  "wrong_number",
  "harassment",
  "dial",
];
const ORDER: readonly DeskAction[] = ["urgent", "promise", "note", "merge", "next", "previous"];
const SEAT: readonly DeskAction[] = ["ready", "pause", "mine", "phrases"];

/** Every key that does something, as it is configured here. */
export function Help() {
  const t = deskWords.value.keys;
  const map = keys.value;
  const named = (actions: readonly DeskAction[]) =>
    actions.map((action): KeyLine => [keyOf(map, action), t.what[action]]);
  const categories = categoriesOf(form.value, view.value?.queue ?? null).map(
    ({ key, label }): KeyLine => [keyOf(map, { category: key }), labelText(label)],
  );
  return (
    <KeysDialog title={t.title} lead={t.lead} onClose={closeDialog}>
      <KeyGroup title={t.categories} keys={categories} />
      <KeyGroup title={t.call} keys={named(CALL)} />
      <KeyGroup
        title={t.order}
        keys={[["Ctrl+Enter", t.what.complete], ["Ctrl+S", t.what.save], ...named(ORDER)]}
      />
      <KeyGroup title={t.seat} keys={[...named(SEAT), ["?", t.what.help], ["Esc", t.leave]]} />
    </KeysDialog>
  );
}
