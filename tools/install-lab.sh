#!/bin/sh
# Install what the tests need of the system: FRRouting, OpenSSH's server, FreeRADIUS and its PAM module, iproute2,
# util-linux, mount for the real lab, curl, with which the README's lines are tried, and python3-venv, with which the
# distribution's Python makes virtual environments (Debian, Ubuntu).
#
#   tools/install-lab.sh            install what is missing; nothing to do is success
#   tools/install-lab.sh --check    only say what is missing; exit 1 when something is
#
# The lab starts its own daemons, on loopback and in network namespaces. The distribution's services
# (ssh, frr, freeradius) are not wanted: they are kept from starting during the installation, and where this script
# has just installed them they are disabled, so that they do not come up at the next boot either.
# A service that was installed before is left as it is.
set -eu

say() { printf 'install-lab: %s\n' "$*"; }
fail() { printf 'install-lab: %s\n' "$1" >&2; exit "${2:-1}"; }
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

case "${1:-}" in
'' | --check) ;;
*) fail "unknown argument '$1'; usage: tools/install-lab.sh [--check]" 2 ;;
esac

missing=
[ -x /usr/lib/frr/zebra ] && have vtysh || missing="$missing frr"
have sshd && have ssh-keygen || missing="$missing openssh-server"
have freeradius || missing="$missing freeradius"
[ -n "$(ls /lib/*/security/pam_radius_auth.so /lib/security/pam_radius_auth.so 2>/dev/null)" ] || missing="$missing libpam-radius-auth"
have ip || missing="$missing iproute2"
have nsenter || missing="$missing util-linux"
have mount || missing="$missing mount"
have curl || missing="$missing curl"
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
missing=${missing# }

if [ -z "$missing" ]; then
    say "everything is there: frr, openssh-server, freeradius, libpam-radius-auth, iproute2, util-linux, mount, curl"
    exit 0
fi
[ "${1:-}" = --check ] && { say "missing: $missing"; exit 1; }
[ "$(id -u)" = 0 ] || fail "missing: $missing. Run this script as root, or: sudo apt-get install $missing"
have apt-get || fail "missing: $missing, and there is no apt-get here; install them with this system's own tool"

# invoke-rc.d and deb-systemd-invoke ask this program before they start a service; 101 means "do not".
policy=/usr/sbin/policy-rc.d
saved=
denies() { [ -x "$policy" ] && { "$policy" ssh start >/dev/null 2>&1; [ $? -eq 101 ]; }; }
restore() {
    [ -n "$saved" ] || return 0
    rm -f "$policy"
    [ "$saved" = none ] || mv "$saved" "$policy"
    saved=
}
if ! denies; then
    trap restore EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -e "$policy" ]; then
        mv "$policy" "$policy.before-lab"
        saved="$policy.before-lab"
    else
        saved=none
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

say "installing with apt-get: $missing"
export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
[ -n "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ] || {
    say "there are no package lists yet; fetching them"
    $apt update
}
# shellcheck disable=SC2086  # both variables are lists of words
$apt install -y --no-install-recommends $missing >/dev/null || {
    say "the package lists may be old; updating them and trying again"
    $apt update
    $apt install -y --no-install-recommends $missing >/dev/null
}
restore

if [ -d /run/systemd/system ]; then
    case " $missing " in *" openssh-server "*) systemctl disable --quiet --now ssh.service ssh.socket 2>/dev/null || true ;; esac
    case " $missing " in *" freeradius "*) systemctl disable --quiet --now freeradius.service 2>/dev/null || true ;; esac
    case " $missing " in *" frr "*) systemctl disable --quiet --now frr.service 2>/dev/null || true ;; esac
fi
say "installed: $missing; their system services were not started"
