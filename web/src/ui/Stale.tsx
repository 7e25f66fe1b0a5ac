import { lang, messages } from "../i18n";
import { siteOffset } from "../live/site";
import { store } from "../live/store";
import { duration, timeOfDay } from "../model/format";
import { Icon } from "./icons";
import { Live } from "./parts";
import { linkReason, pbxTime } from "./words";

/** Says that what is shown is no longer live, since when, and why. */
export function StaleBanner() {
  const t = messages.value;
  const feed = store.feed.value;
  if (feed.is === "protocol") return <Banner title={t.stale.title} detail={t.stale.protocol} />;
  if (feed.is === "stale")
    return (
      <Banner
        title={t.stale.title}
        since={timeOfDay(feed.at, lang.value, siteOffset.value)}
        lasting={() => {
          const now = store.localNow.value;
          return t.stale.lasting(duration(now - feed.lostAt));
        }}
        detail={feed.why === "silent" ? t.stale.silent : t.stale.page}
      />
    );
  if (feed.is === "connecting") return null;
  return (
    <>
      {store.pbxKeys.value.map((key) => (
        <PbxBanner key={key} id={key} />
      ))}
    </>
  );
}

function PbxBanner({ id }: { id: string }) {
  const t = messages.value;
  const pbx = store.pbx(id);
  if (pbx === undefined || pbx.link === "up") return null;
  const since = store.stoppedAt(pbx.id);
  const syncing = pbx.link === "syncing";
  return (
    <Banner
      soft={syncing}
      title={syncing ? t.stale.pbxSyncing(pbx.id) : t.stale.pbxDown(pbx.id)}
      {...(since === null ? {} : { since: pbxTime(since, pbx.id) })}
      lasting={() => {
        const now = store.serverNow.value;
        const pbxNow = now === null ? null : now + pbx.clock_offset_s;
        return since === null || pbxNow === null ? "" : t.stale.lasting(duration(pbxNow - since));
      }}
      detail={syncing ? null : linkReason(pbx)}
    />
  );
}

interface BannerProps {
  readonly title: string;
  readonly since?: string;
  readonly lasting?: () => string;
  readonly detail: string | null;
  readonly soft?: boolean;
}

function Banner({ title, since, lasting, detail, soft = false }: BannerProps) {
  const t = messages.value;
  return (
    <div class="banner" role="alert" data-soft={soft ? "yes" : "no"}>
      <Icon name={soft ? "offered" : "breach"} large />
      <strong>
        {title}
        {since !== undefined && <span class="banner-since"> {t.stale.since(since)}</span>}
      </strong>
      <span class="banner-lasting" aria-hidden="true">
        {lasting !== undefined && <Live text={lasting} />}
      </span>
      <span class="banner-detail">
        {detail} {t.stale.frozen}
      </span>
    </div>
  );
}
