import { DecideDialog, WindowDialog } from "./AppealDialogs";
import { Help, Sounds } from "./Help";
import { DutyDialog, ImportDialog } from "./RosterDialogs";
import { StepDialog } from "./StepDialog";
import { dialog } from "./ui";

/** The dialog that is open, if one is. */
export function ShiftDialogs() {
  const open = dialog.value;
  switch (open?.is) {
    case "help":
      return <Help />;
    case "sound":
      return <Sounds />;
    case "import":
      return <ImportDialog />;
    case "window":
      return <WindowDialog />;
    case "step":
      return <StepDialog step={open.step} id={open.order} />;
    case "decide":
      return <DecideDialog grant={open.grant} ids={open.ids} />;
    case "duty":
      return <DutyDialog duty={open.duty} team={open.team} day={open.day} />;
    default:
      return null;
  }
}
