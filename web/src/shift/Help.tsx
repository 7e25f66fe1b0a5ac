import { KeyGroup, type KeyLine, KeysDialog } from "../ui/KeyList";
import { SoundsDialog } from "../ui/SoundsDialog";
import { keyName, KEYS } from "./hotkeys";
import { STEPS } from "./steps";
import { closeShiftDialog } from "./ui";
import { shiftWords } from "./words";

/** Every key that does something. */
export function Help() {
  const t = shiftWords.value;
  const w = t.keys.what;
  const lists: readonly KeyLine[] = [
    [keyName("next"), w.next],
    [keyName("previous"), w.previous],
    ["Enter", w.open],
    ["Esc", w.leave],
    ["1 – 5", w.tabs],
    ["/", w.search],
    ["?", w.help],
    ["Ctrl+Enter", w.send],
  ];
  const steps = STEPS.filter((step) => step in KEYS).map((step): KeyLine => [
    keyName(step as keyof typeof KEYS),
    t.step[step],
  ]);
  const decide: readonly KeyLine[] = [
    [keyName("select"), w.select],
    ["Shift+A", w.grant],
    ["Shift+R", w.refuse],
  ];
  return (
    <KeysDialog title={t.keys.title} lead={t.keys.lead} onClose={closeShiftDialog}>
      <KeyGroup title={t.keys.lists} keys={lists} />
      <KeyGroup
        title={t.keys.steps}
        keys={[...steps, [keyName("call"), w.call], [keyName("edit"), w.edit]]}
      />
      <KeyGroup title={t.keys.decide} keys={decide} />
    </KeysDialog>
  );
}

/** How an urgent order sounds, and whether the desktop may show it. */
export function Sounds() {
  return (
    <SoundsDialog words={shiftWords.value.sounds} example="breach" onClose={closeShiftDialog} />
  );
}
