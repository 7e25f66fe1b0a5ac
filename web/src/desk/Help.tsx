import { categoriesOf, form } from "../live/form";
import { labelText } from "../live/problem";
import { Dialog } from "../ui/Dialog";
import { type DeskAction, keyOf } from "./hotkeys";
import { view } from "./state";
import { closeDialog, keys } from "./ui";
import { deskWords } from "./words";

const GROUPS: readonly (readonly ["call" | "order" | "seat", readonly DeskAction[]])[] = [
  [
    "call",
    ["open_current", "consent", "silent_call", "bad_line", "wrong_number", "harassment", "dial"],
  ],
  ["order", ["urgent", "promise", "note", "merge", "next", "previous"]],
  ["seat", ["ready", "pause", "mine", "phrases"]],
];

/** Every key that does something, as it is configured here. */
export function Help() {
  const t = deskWords.value.keys;
  const map = keys.value;
  return (
    <Dialog title={t.title} wide class="help" onClose={closeDialog}>
      <p tabIndex={-1} data-first="yes">
        {t.lead}
      </p>
      <div class="help-groups">
        <section>
          <h3>{t.categories}</h3>
          <dl>
            {categoriesOf(form.value, view.value?.queue ?? null).map(({ key, label }) => (
              <Key key={key} name={keyOf(map, { category: key })} what={labelText(label)} />
            ))}
          </dl>
        </section>
        {GROUPS.map(([group, actions]) => (
          <section key={group}>
            <h3>{t[group]}</h3>
            <dl>
              {group === "order" && (
                <>
                  <Key name="Ctrl+Enter" what={t.what.complete} />
                  <Key name="Ctrl+S" what={t.what.save} />
                </>
              )}
              {actions.map((action) => (
                <Key key={action} name={keyOf(map, action)} what={t.what[action]} />
              ))}
              {group === "seat" && (
                <>
                  <Key name="?" what={t.what.help} />
                  <Key name="Esc" what={t.leave} />
                </>
              )}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Key({ name, what }: { name: string; what: string }) {
  if (name === "") return null;
  return (
    <div class="help-key">
      <dt>
        <kbd>{name}</kbd>
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
