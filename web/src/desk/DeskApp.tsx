import { me } from "../live/session";
import { common } from "../i18n/common";
import { PageHeader } from "../ui/PageHeader";

export function DeskApp() {
  if (me.value === null)
    return (
      <p class="starting" role="status">
        {common.value.waitingForServer}
      </p>
    );
  return (
    <div class="app">
      <PageHeader page="desk" />
    </div>
  );
}
