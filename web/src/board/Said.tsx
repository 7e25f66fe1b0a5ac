import { Icon } from "../ui/icons";
import { said } from "./control";

/** What has just been done, or was refused. */
export function Said() {
  const shown = said.value;
  return (
    <div class="said-box" role={shown?.good === false ? "alert" : "status"}>
      {shown !== null && (
        <p class="said" data-good={shown.good ? "yes" : "no"}>
          <Icon name={shown.good ? "calm" : "breach"} />
          {shown.text}
        </p>
      )}
    </div>
  );
}
