import { SoundsDialog } from "../ui/SoundsDialog";
import { play } from "./sound";
import { closeDialog } from "./ui";
import { deskWords } from "./words";

/** The sounds of the desk: warnings and breaches. */
export function Sounds() {
  const t = deskWords.value.sounds;
  return (
    <SoundsDialog words={t} example="warning" onClose={closeDialog}>
      <div class="choices">
        <button type="button" class="button" onClick={() => play("warning")}>
          {t.tryWarning}
        </button>
        <button type="button" class="button" onClick={() => play("breach")}>
          {t.tryBreach}
        </button>
      </div>
    </SoundsDialog>
  );
}
