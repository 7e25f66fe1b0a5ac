"""Asterisk's configuration files, written for one lab PBX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

USERS = {
    "agentd": "read=system,call,agent\nwrite=reporting\n",
    "desk": "read=system,call,agent\nwrite=reporting,agent,originate\n",
    "control": "read=system,call,agent\nwrite=reporting,agent,originate,call\n",
    "lab": "read=all\nwrite=all\n",
}
"""AMI accounts: the least that the daemon needs; with all that people do at the desk; with all that
supervisors do besides; and the lab's own."""

SUPERVISED = (
    'dial_context = "agentd-dial"\nlistening = true\nredirect_context = "agentd-redirect"\n'
)
"""What agentd may do for people with the account `control`, as TOML of its [[pbx]]."""

PHONE_HOST = "127.0.0.1"
TRUNK_HOST = "127.0.0.2"

# Everything that binds a port of its own, needs a database, or answers questions nobody asks here:
# several Asterisks share this machine, and the start takes half as long without them.
NOLOAD = """
app_adsiprog app_alarmreceiver app_festival app_jack app_mp3 app_sms app_voicemail
app_voicemail_odbc app_voicemail_imap app_minivm app_test app_amd app_audiosocket
cdr_adaptive_odbc cdr_csv cdr_custom cdr_manager cdr_odbc cdr_pgsql cdr_radius cdr_sqlite3_custom
cdr_tds cdr_syslog cel_custom cel_manager cel_odbc cel_pgsql cel_radius cel_sqlite3_custom cel_tds
chan_audiosocket chan_console chan_iax2 chan_motif chan_unistim chan_websocket chan_sip chan_skinny
chan_mgcp chan_dahdi chan_alsa chan_oss chan_phone chan_mobile chan_ooh323 chan_vpb
pbx_ael pbx_dundi pbx_lua pbx_realtime
res_adsi res_aeap res_ael_share res_ari res_ari_applications res_ari_asterisk res_ari_bridges
res_ari_channels res_ari_device_states res_ari_endpoints res_ari_events res_ari_model
res_ari_playbacks res_ari_recordings res_ari_sounds res_audiosocket res_calendar
res_calendar_caldav res_calendar_ews res_calendar_exchange res_calendar_icalendar
res_config_ldap res_config_odbc res_config_pgsql res_config_sqlite3 res_fax res_fax_spandsp
res_hep res_hep_pjsip res_hep_rtcp res_http_media_cache res_http_post res_odbc
res_odbc_transaction res_phoneprov res_pjsip_phoneprov_provider res_prometheus
res_resolver_unbound res_smdi res_snmp res_speech_aeap res_stir_shaken res_pjsip_stir_shaken
res_stun_monitor res_xmpp res_websocket_client func_odbc app_stasis
app_stasis_broadcast res_stasis_broadcast
app_getcpeid app_followme res_corosync res_pktccops res_ari_mailboxes
""".split()

# Asterisk logs an error for each of these that is not there, and 16 refuses to start without some.
EMPTY = [
    f"{name}.conf"
    for name in (
        "stasis acl agents cel cli cli_aliases cli_permissions codecs dnsmgr dsp enum extconfig "
        "followme geolocation pjproject pjsip_notify pjsip_wizard queuerules sorcery"
    ).split()
]

CEL_FILE = "cel.json"

# What happened to which channel, one JSON object a line, with microseconds.
_CEL = {
    "cel.conf": "[general]\nenable=yes\napps=queue\nevents=ALL\n",
    "cel_custom.conf": (
        f"[{CEL_FILE}]\nformat=json\nfields=EventType,EventTime,Num,ChanName,UniqueID,LinkedID,"
        "Exten,Context,AppName,AppData,EventExtra\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Member:
    """A queue member. `interface` defaults to the seat's own phone."""

    seat: str
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and the number that callers dial for it. Times are whole seconds.

    `give_up_s` is how long the dialplan lets a caller wait before it takes him out again.
    `recorded`: MixMonitor records its calls, into a file named after the caller's channel.
    """

    name: str
    number: str
    members: Sequence[Member]
    strategy: str = "rrmemory"
    ring_timeout_s: int = 25
    retry_s: int = 1
    give_up_s: int | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A phone: `number` is its extension and SIP user, `person` who sits at it."""

    number: str
    person: str
    sip_port: int

    @property
    def device(self) -> str:
        return f"PJSIP/{self.number}"


@dataclass(frozen=True, slots=True)
class PbxConfig:
    """What one lab PBX has. `secrets` maps AMI user (of `USERS`) to password."""

    sip_port: int
    ami_port: int
    rtp_first: int
    rtp_last: int
    trunk_port: int
    seats: Sequence[Seat]
    queues: Sequence[Queue]
    secrets: Mapping[str, str]
    bind: str = PHONE_HOST
    phone_host: str = PHONE_HOST
    trunk_host: str = TRUNK_HOST
    module_dir: str = "/usr/lib/x86_64-linux-gnu/asterisk/modules"
    cel: bool = False
    """Asterisk keeps its own account of all channels (CEL), in log/cel-custom/{CEL_FILE}."""

    def files(self, root: str) -> dict[str, str]:
        """File name to text; `root` is the lab's directory as Asterisk sees it."""
        return {
            "asterisk.conf": _asterisk(root, self.module_dir),
            "modules.conf": _modules(frozenset({"cel_custom"} if self.cel else ())),
            "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
            "manager.conf": self._manager(),
            "pjsip.conf": self._pjsip(),
            "extensions.conf": self._extensions(),
            "queues.conf": self._queues(),
            "features.conf": (
                "[general]\ntransferdigittimeout=3\natxfernoanswertimeout=15\n"
                "[featuremap]\nblindxfer => #1\natxfer => *2\nparkcall => #72\n"
            ),
            "res_parking.conf": (
                "[general]\n[default]\nparkext => 700\nparkpos => 701-720\n"
                "context => parkedcalls\nparkingtime => 45\n"
            ),
            "musiconhold.conf": f"[default]\nmode=files\ndirectory={root}/moh\n",
            "rtp.conf": f"[general]\nrtpstart={self.rtp_first}\nrtpend={self.rtp_last}\n",
            "udptl.conf": "[general]\n",
            "confbridge.conf": "[general]\n",
            "ccss.conf": "[general]\n",
            "cdr.conf": "[general]\nenable=no\n",
            "http.conf": "[general]\nenabled=no\n",
            **dict.fromkeys(EMPTY, ""),
            **(_CEL if self.cel else {}),
            "indications.conf": (
                "[general]\ncountry=cn\n[cn]\ndescription=China\nringcadence=1000,4000\n"
                "dial=450\nbusy=450/350,0/350\nring=450/1000,0/4000\ncongestion=450/700,0/700\n"
                "callwaiting=450/400,0/4000\ndialrecall=450\nrecord=950/400,0/10000\n"
                "info=450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400\n"
            ),
        }

    def write(self, directory: Path, root: str) -> None:
        """Write all files into `directory`/etc and make the other directories Asterisk wants."""
        for name in ("etc", "var", "run", "log", "spool", "moh", "var/keys", "log/cel-custom"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        for name, text in self.files(root).items():
            (directory / "etc" / name).write_text(text, encoding="utf-8")
        # One second of silence: without a file the music class, and so its events, do not exist.
        (directory / "moh" / "silence.sln").write_bytes(bytes(16000))

    def _manager(self) -> str:
        users = "".join(
            f"[{user}]\nsecret={secret}\nwritetimeout=5000\n{USERS[user]}"
            for user, secret in self.secrets.items()
        )
        return (
            f"[general]\nenabled=yes\nbindaddr={self.bind}\nport={self.ami_port}\n"
            f"timestampevents=yes\nallowmultiplelogin=yes\n{users}"
        )

    def _pjsip(self) -> str:
        common = (
            "disallow=all\nallow=alaw\ndirect_media=no\ntimers=no\nsend_connected_line=no\n"
            "rtp_timeout=0\nrtp_timeout_hold=0\n"
        )
        parts = [
            "[global]\ntype=global\nendpoint_identifier_order=ip,username\n",
            f"[udp]\ntype=transport\nprotocol=udp\nbind={self.bind}:{self.sip_port}\n",
            f"[trunk]\ntype=endpoint\ncontext=from-trunk\naors=trunk\n{common}",
            f"[trunk]\ntype=aor\ncontact=sip:{self.trunk_host}:{self.trunk_port}\n",
            f"[trunk]\ntype=identify\nendpoint=trunk\nmatch={self.trunk_host}\n",
        ]
        for seat in self.seats:
            n = seat.number
            parts.append(
                f'[{n}]\ntype=endpoint\ncontext=seats\naors={n}\ncallerid="{seat.person}" <{n}>\n'
                f"{common}[{n}]\ntype=aor\ncontact=sip:{n}@{self.phone_host}:{seat.sip_port}\n"
            )
        return "\n".join(parts)

    def _extensions(self) -> str:
        lines = ["[general]", "static=yes", "writeprotect=yes", "[from-trunk]"]
        for queue in self.queues:
            give_up = "" if queue.give_up_s is None else str(queue.give_up_s)
            lines += [
                f"exten => {queue.number},1,Answer()",
                *(["same => n,MixMonitor(${UNIQUEID}.wav,b)"] if queue.recorded else []),
                f"same => n,Queue({queue.name},tk,,,{give_up})",
                "same => n,Hangup()",
            ]
        if any("Local/" in (m.interface or "") for q in self.queues for m in q.members):
            lines += ["[agents]"] + [
                f"exten => {s.number},1,Dial(PJSIP/{s.number},60)" for s in self.seats
            ]
            lines.append("[from-trunk]")
        lines += [f"exten => {s.number},1,Dial(PJSIP/{s.number},60,tk)" for s in self.seats]
        lines += ["[seats]"]
        lines += [f"exten => {s.number},1,Dial(PJSIP/{s.number},60,tk)" for s in self.seats]
        # Where a number outside answers is data in the AstDB, so that scenarios can move it.
        lines += [
            "exten => _9X.,1,Dial(PJSIP/trunk/sip:${EXTEN:1}@${DB(far/${EXTEN:1})},60,T)",
            "include => parkedcalls",
            # Calls placed from the desk: nothing but numbers outside, and our own number is shown
            # there (the call comes with the number that the seat's phone is to show).
            "[agentd-dial]",
            "exten => _X.,1,Set(CALLERID(all)=<4001>)",
            "same => n,Dial(PJSIP/trunk/sip:${EXTEN}@${DB(far/${EXTEN})},60,T)",
            # Where supervisors may send calls: seats and queues.
            "[agentd-redirect]",
            "include => from-trunk",
            "[parkedcalls]",
        ]
        return "\n".join(lines) + "\n"

    def _queues(self) -> str:
        people = {seat.number: seat.person for seat in self.seats}
        parts = ["[general]\npersistentmembers=no\nautofill=yes\nshared_lastcall=no\n"]
        for queue in self.queues:
            members = "".join(
                f"member => {m.interface or f'PJSIP/{m.seat}'},0,{people[m.seat]},PJSIP/{m.seat}\n"
                for m in queue.members
            )
            parts.append(
                f"[{queue.name}]\nstrategy={queue.strategy}\ntimeout={queue.ring_timeout_s}\n"
                f"retry={queue.retry_s}\nringinuse=no\nwrapuptime=0\nmusicclass=default\n"
                f"joinempty=yes\nleavewhenempty=no\n{members}"
            )
        return "\n".join(parts)


def _asterisk(root: str, module_dir: str) -> str:
    places = {
        "astetcdir": "etc", "astvarlibdir": "var", "astdbdir": "var", "astkeydir": "var",
        "astspooldir": "spool", "astrundir": "run", "astlogdir": "log",
    }  # fmt: skip
    directories = "".join(f"{key} => {root}/{place}\n" for key, place in places.items())
    return (
        f"[directories]\nastmoddir => {module_dir}\n"
        f"astdatadir => /usr/share/asterisk\nastcachedir => {root}/var\n{directories}"
        "[options]\nverbose = 0\nnocolor = yes\n"
    )


def _modules(wanted: frozenset[str]) -> str:
    unwanted = (name for name in NOLOAD if name not in wanted)
    return "[modules]\nautoload=yes\n" + "".join(f"noload => {name}.so\n" for name in unwanted)
