import { Icon } from "../ui/icons";
import { markRead, type DeskMessage, unread } from "./messages";
import { moment } from "./ui";
import { deskWords } from "./words";

/** What leaders wrote to this desk, until it is read. */
export function Messages() {
  const t = deskWords.value.message;
  return (
    <div class="messages" role="log" aria-live="assertive" aria-label={t.label}>
      {unread.value.map((message) => (
        <Message key={message.id} message={message} />
      ))}
    </div>
  );
}

function Message({ message }: { readonly message: DeskMessage }) {
  const t = deskWords.value.message;
  const urgent = message.level === "urgent";
  return (
    <p class="message" data-level={message.level} data-message={message.id}>
      <Icon name={urgent ? "urgent" : "notice"} />
      <span class="message-text">
        {urgent && <strong>{t.urgent} </strong>}
        {message.text}
        <span class="message-from">
          {t.from(message.by_name)} · {moment(message.at, null)}
        </span>
      </span>
      <button type="button" class="button" onClick={() => void markRead(message.id)}>
        {t.read}
      </button>
    </p>
  );
}
