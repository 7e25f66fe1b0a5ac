"""Every word that people read in the terminal, in Chinese and English, in one place.

The vocabulary is the trade's: the same state has the same word everywhere.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Lang = Literal["zh", "en"]
LANGS: Final[tuple[Lang, ...]] = get_args(Lang)

# Each in Chinese, then in English.
WORDS: Final[dict[str, tuple[str, str]]] = {
    # Seat states.
    "state.available": ("空闲", "available"),
    "state.offered": ("派线中", "offered"),
    "state.ringing": ("振铃", "ringing"),
    "state.talking": ("通话", "talking"),
    "state.holding": ("保持", "on hold"),
    "state.wrap_up": ("事后处理", "wrap-up"),
    "state.paused": ("示忙", "paused"),
    "state.unreachable": ("不可达", "unreachable"),
    "state.logged_out": ("离线", "logged out"),
    # How a call reached the seat.
    "direction.inbound": ("呼入", "inbound"),
    "direction.outbound": ("外呼", "outbound"),
    "direction.internal": ("内线", "internal"),
    # The four strengths, and how an alert is named.
    "level.calm": ("正常", "calm"),
    "level.warning": ("预警", "warning"),
    "level.breach": ("超时", "breach"),
    "level.urgent": ("急件", "urgent"),
    "level.escalation": ("上报", "escalation"),
    # Rules.
    "rule.ring": ("振铃", "ring"),
    "rule.hold": ("保持", "hold"),
    "rule.hold_sum": ("保持累计", "holds together"),
    "rule.consult": ("咨询中", "consulting"),
    "rule.park": ("驻留", "parked"),
    "rule.hangup_order": ("挂机顺序", "hang-up order"),
    "rule.work_order": ("工单", "work order"),
    "rule.urgent": ("急件", "urgent"),
    # The link to a PBX.
    "link.up": ("已连接", "linked"),
    "link.syncing": ("同步中", "syncing"),
    "link.down": ("已断开", "down"),
    "link.refused": ("PBX 拒绝连接", "the PBX refuses the connection"),
    "link.auth": ("登录被拒绝，请检查账号和密码", "login refused: check account and secret"),
    "link.timeout": ("连接超时", "timed out"),
    "link.closed": ("PBX 关闭了连接", "the PBX closed the connection"),
    "link.silent": ("PBX 没有响应", "the PBX does not answer"),
    "link.not_ami": ("对方不是 Asterisk AMI", "that is not the Asterisk Manager Interface"),
    "link.dns": ("找不到 PBX 的地址", "the PBX's address cannot be found"),
    "link.tls": ("TLS 连接失败", "TLS failed"),
    # The terminal wallboard.
    "watch.title": ("坐席看板", "wallboard"),
    "watch.quit": ("Ctrl-C 退出", "Ctrl-C quits"),
    "watch.connecting": ("正在连接 {url} …", "connecting to {url} …"),
    "watch.waiting_for_board": ("已连接，等待数据 …", "connected, waiting for the board …"),
    "watch.lost": (
        "数据已停止：与 agentd 的连接自 {since} 中断（{reason}），{retry} 后重试",
        "STALE: connection to agentd lost since {since} ({reason}); next try in {retry}",
    ),
    "watch.never": (
        "无法连接 agentd（{reason}），{retry} 后重试",
        "cannot connect to agentd ({reason}); next try in {retry}",
    ),
    "watch.stale": (
        "数据已停止：自 {since} 起没有收到 agentd 的数据",
        "STALE: nothing received from agentd since {since}",
    ),
    "watch.pbx_down": (
        "数据已停止：PBX {pbx} 自 {since} 断开（{reason}）",
        "STALE: PBX {pbx} is down since {since} ({reason})",
    ),
    "watch.pbx_syncing": (
        "PBX {pbx} 正在同步，数据可能不完整",
        "PBX {pbx} is syncing; the board may be incomplete",
    ),
    "watch.last_event": ("最后事件 {ago} 前", "last event {ago} ago"),
    "watch.no_event": ("尚无事件", "no event yet"),
    "watch.unknown_reason": ("原因不明", "reason unknown"),
    "watch.trouble": ("需要处理", "Needs attention"),
    "watch.all_calm": ("一切正常", "all calm"),
    "watch.queues": ("队列", "Queues"),
    "watch.seats": ("坐席", "Seats"),
    "watch.alerts": ("告警", "Alerts"),
    "watch.no_queues": ("没有队列", "no queues"),
    "watch.no_seats": ("没有坐席", "no seats"),
    "watch.no_alerts": ("没有告警", "no alerts"),
    "watch.more": ("… 另有 {count} 个", "… and {count} more"),
    "watch.cleared": ("已解除", "cleared"),
    "watch.stopped": ("计时中断", "clock stopped"),
    "watch.ring_count": ("第 {count} 声", "ring {count}"),
    "watch.orders_owed": ("待完善工单 {count}", "orders owed {count}"),
    "watch.order_overdue": ("逾期 {time}", "overdue {time}"),
    "watch.order_due": ("剩余 {time}", "due in {time}"),
    "watch.gap": ("含断线时段", "spans a gap"),
    "watch.not_agentd": (
        "对方不是 agentd 的实时流",
        "that is not an agentd live stream",
    ),
    "watch.wrong_protocol": (
        "agentd 的实时流版本是 {theirs}，本程序只懂 {ours}；请安装相同的版本",
        "agentd speaks live stream version {theirs}, this program {ours}; install the same release",
    ),
    "watch.bad_url": (
        "无法使用的地址：{url}；应类似 http://127.0.0.1:8440",
        "not an address that can be used: {url}; it should look like http://127.0.0.1:8440",
    ),
    "watch.no_token": (
        "agentd 要求令牌：请管理员执行 agentd token add 名称 --right board，然后把令牌放进环境变量 AGENTD_TOKEN，或用 --token-file 指明文件",
        "agentd wants a token: have an admin run agentd token add NAME --right board, and put what it prints into the environment variable AGENTD_TOKEN or a file named by --token-file",
    ),
    "watch.token_refused": (
        "agentd 不认这个令牌（无效、已吊销或已过期）；请管理员另发一个：agentd token add 名称 --right board",
        "agentd does not accept this token (unknown, revoked or over); have an admin make another one: agentd token add NAME --right board",
    ),
    "watch.token_without_right": (
        "这个令牌没有 board 权限，不能看看板；请管理员另发一个：agentd token add 名称 --right board",
        "this token lacks the right board, so it may not see the wallboard; have an admin make one: agentd token add NAME --right board",
    ),
    # Columns.
    "col.queue": ("队列", "queue"),
    "col.waiting": ("排队", "waiting"),
    "col.longest": ("最长等待", "longest wait"),
    "col.offered": ("呼入量", "offered"),
    "col.answered": ("接通", "answered"),
    "col.abandoned": ("放弃", "abandoned"),
    "col.let_go": ("队列超时", "let go"),
    "col.service_level": ("服务水平", "service level"),
    "col.seat": ("坐席", "seat"),
    "col.agent": ("话务员", "agent"),
    "col.state": ("状态", "state"),
    "col.time": ("时长", "time"),
    "col.limit": ("时限", "limit"),
    "col.level": ("级别", "level"),
    "col.caller": ("来电", "caller"),
    "col.notes": ("备注", "notes"),
}


def say(lang: Lang, key: str, **values: object) -> str:
    """The words for ``key``, with ``{names}`` filled in. Raises KeyError for an unknown key."""
    zh, en = WORDS[key]
    text = zh if lang == "zh" else en
    return text.format(**values) if values else text


def known(key: str) -> bool:
    """Whether there are words for ``key``: codes that come from outside may be newer than we."""
    return key in WORDS


# Notices about a PBX by their code; in English their own sentence, which says more, is shown.
_NOTICES_ZH: Final[dict[str, str]] = {
    "plain_text_login": (
        "AMI 密码和来电号码以明文传输："
        "请为该 PBX 设置 tls = true（manager.conf：tlsenable=yes，端口 5039）。"
    ),
    "account_too_powerful": "AMI 账号的写权限过大：agentd 至多需要 write=reporting,agent,call，一键外呼和监听另加 originate（manager.conf）。",
    "pbx_out_of_support": "该 Asterisk 版本已停止安全更新：请升级到 Asterisk 22（LTS）。",
    "pbx_too_old": "该 Asterisk 版本过旧，未经测试且已停止安全更新：请升级到 Asterisk 22（LTS）。",
    "no_timestamps": (
        "事件没有时间戳，无法计时："
        "请在 manager.conf 的 [general] 中设置 timestampevents=yes 并重新加载 manager。"
    ),
    "no_system_events": (
        "收不到 system 类事件，无法发现 PBX 重启：请为 AMI 账号设置 read=system,call,agent。"
    ),
    "no_call_events": "收不到 call 类事件，无法判断通话：请为 AMI 账号设置 read=system,call,agent。",
    "no_agent_events": "收不到 agent 类事件，看不到队列：请为 AMI 账号设置 read=system,call,agent。",
    "dialplan_events": "收到大量无用的 dialplan 事件（约占一半流量）：请从事件类别中去掉 dialplan。",
    "no_channel_list": "PBX 不提供通道列表，连接时无法发现进行中的通话：请为 AMI 账号设置 write=reporting。",
    "no_queue_list": "PBX 不提供队列列表：请加载 app_queue，或等待 Asterisk 启动完成。",
}


def notice(lang: Lang, code: str, text: str) -> str:
    """What agentd has to say about a PBX: the words of ``code``, else ``text`` as it came."""
    return _NOTICES_ZH.get(code, text) if lang == "zh" else text
