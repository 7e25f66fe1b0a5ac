#!/bin/sh
# Installs what the native lab needs: SIPp, Mosquitto, and one root file system per Asterisk
# version in which Asterisk runs by chroot. Safe to run again: what is there already is kept.
#
#   AGENTD_LAB_HOME    where the root file systems go (default ~/.cache/agentd-lab)
#   AGENTD_LAB_MIRROR  the Debian mirror (default: the one this machine's apt uses)
#   AGENTD_LAB_SUITES  which to build (default "sid bullseye": Asterisk 22 and 16)
set -eu

home=${AGENTD_LAB_HOME:-$HOME/.cache/agentd-lab}
suites=${AGENTD_LAB_SUITES:-sid bullseye}

say() { printf 'lab install: %s\n' "$*"; }
fail() { printf 'lab install: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "needs root (debootstrap and chroot do); run it as root or use Docker"
command -v apt-get >/dev/null || fail "needs apt-get: this script is for Debian 12 and its kin"

missing=
command -v debootstrap >/dev/null || missing="$missing debootstrap"
command -v sipp >/dev/null || missing="$missing sip-tester"
command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
if [ -n "$missing" ]; then
    say "installing$missing"
    apt-get update -qq -o Acquire::Check-Valid-Until=false
    # shellcheck disable=SC2086 -- a list of package names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ca-certificates $missing >/dev/null
fi

mirror=${AGENTD_LAB_MIRROR:-}
if [ -z "$mirror" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
        sed -n 's#^\(https\{0,1\}://.*/debian\)/\{0,1\}$#\1#p' | sort -u | head -n 1)
fi
[ -n "$mirror" ] || fail "no Debian mirror in apt's sources; set AGENTD_LAB_MIRROR"

mkdir -p "$home"
for suite in $suites; do
    root=$home/$suite
    if [ -x "$root/usr/sbin/asterisk" ]; then
        say "$suite: present"
        continue
    fi
    rm -rf "$root.new" "$root"
    say "$suite: building $root"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root.new" "$mirror" \
        >"$home/$suite.log" 2>&1 || { tail -n 5 "$home/$suite.log" >&2; fail "debootstrap $suite"; }
    printf '#!/bin/sh\nexit 101\n' >"$root.new/usr/sbin/policy-rc.d"
    chmod 755 "$root.new/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$root.new/etc/resolv.conf" 2>/dev/null || true
    chroot "$root.new" /bin/sh -eu >>"$home/$suite.log" 2>&1 <<'IN' || {
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt-get update -o Acquire::Check-Valid-Until=false
apt-get install -y --no-install-recommends asterisk
apt-get clean
mkdir -p /lab
touch /etc/hosts /etc/resolv.conf
IN
        tail -n 5 "$home/$suite.log" >&2
        fail "installing Asterisk in $suite"
    }
    mv "$root.new" "$root"
    say "$suite: $(chroot "$root" /usr/sbin/asterisk -V)"
done
say "done"
