#!/bin/bash
# fsmount, on-start: bring the agent up; on-create need not have run. Rendered by packaging/render_hooks.py.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "${0%/*}/common.sh"

CONFIG_ORIGIN=@CONFIG_ORIGIN@
SETTINGS=@SETTINGS@
WAIT_S=@WAIT_S@

PYTHON=/usr/bin/python3
OPT=/opt/fsmount
CODE=$OPT/$ID
COMMAND=/usr/local/bin/fsmount
UNIT=/etc/systemd/system/fsmount.service
PINNED=/etc/fsmount/settings.json
changed=

quoted() { printable | sed -u 's/^/fsmount:   /'; }

# unpack: the pinned bundle at $CODE, whole or not at all.
unpack() {
    local new=
    if {
        mkdir -p "$OPT" && new=$(mktemp -d "$OPT/.new.XXXXXXXX") &&
            bounded 30 tar -xzf "$work/bundle" -C "$new" --no-same-owner --no-same-permissions &&
            fits "$new/bundle.json" && compile "$new/lib" && chmod 0755 "$new" && mv -T "$new" "$CODE"
    } 2>"$work/err"; then
        say "unpacked to $CODE"
        return 0
    fi
    problem "the bundle could not be unpacked to $CODE: $(reason)" "needs space in /opt, and the bundle for this Python"
    [ -z "$new" ] || rm -rf "$new"
    return 1
}

# Byte code: a user cannot write it for himself, and each of his commands would compile anew. Nothing needs it.
compile() {
    bounded 20 "$PYTHON" -IS -m compileall -q "$1"/{fsmount,msgspec,yaml,psutil} >/dev/null 2>&1
    return 0
}

# fits FILE: is the bundle that this bundle.json describes for this Python and machine?
fits() {
    bounded 10 "$PYTHON" -IS -c '
import json, os, sys
made = json.load(open(sys.argv[1]))
want = made["python"] + " on " + made["platform"]
have = "%d.%d on linux_%s" % (sys.version_info[:2] + (os.uname().machine,))
sys.exit(None if want == have else "it is for Python %s, this is %s" % (want, have))
' "$1"
}

link() { [ "$(readlink "$2")" = "$1" ] || { ln -s "$1" "$2.$$" && mv -f -T "$2.$$" "$2"; }; }

put() {
    is_regular "$1" || return 0
    cmp -s "$1" "$2" || { mkdir -p "${2%/*}" && install -m 0644 "$1" "$2"; }
}

install_all() {
    [ "$(readlink "$COMMAND")" = "$CODE/bin/fsmount" ] && cmp -s "$CODE/share/fsmount.service" "$UNIT" || changed=code
    link "$CODE" "$OPT/current" && link "$CODE/bin/fsmount" "$COMMAND" && put "$CODE/share/fsmount.service" "$UNIT" || return
    put "$CODE/share/completions/fsmount" /usr/share/bash-completion/completions/fsmount
    put "$CODE/share/man/man1/fsmount.1" /usr/local/share/man/man1/fsmount.1
    bounded 10 systemctl daemon-reload 2>"$work/err" || problem "systemd did not reload: $(reason)" "going on"
}

# The agent that is still running may import from the directory before this one; older ones are nobody's.
forget_old() {
    touch "$CODE"
    find "$OPT" -mindepth 1 -maxdepth 1 -name '.new.*' -mmin +10 -exec rm -rf {} +
    find "$OPT" -mindepth 1 -maxdepth 1 -type d -name '[0-9a-f]*' -printf '%T@ %p\n' | sort -rn | tail -n +3 |
        while read -r _ old; do rm -rf "$old"; done
}

# settle: what is pinned, where the agent reads it: whole or not at all, and never through a link.
settle() {
    local dir=${PINNED%/*} new=
    if [ ! -L "$dir" ] && is_regular "$PINNED" && printf '%s\n' "$SETTINGS" | cmp -s - "$PINNED" &&
        [ "$(stat -c '%u %a' "$dir" "$PINNED" | paste -s)" = $'0 755\t0 644' ]; then return 0; fi
    changed=settings
    if {
        { [ ! -L "$dir" ] || rm "$dir"; } && install -d -m 0755 -o 0 -g 0 "$dir" && rm -f "$dir"/.new.* &&
            new=$(mktemp "$dir/.new.XXXXXXXX") && printf '%s\n' "$SETTINGS" >"$new" && chmod 0644 "$new" &&
            mv -f -T "$new" "$PINNED"
    } 2>"$work/err"; then
        say "settings written to $PINNED"
        return 0
    fi
    problem "$PINNED could not be written ($(reason))" "without what is pinned the agent is not started"
    [ -z "$new" ] || rm -f "$new"
    return 1
}

start() {
    local verb=start
    [ -z "$changed" ] || verb=restart
    # Not bounded by what the hook has left: without this nothing was worth it.
    if ! timeout -k 2 10 systemctl "$verb" --no-block fsmount.service 2>"$work/err"; then
        problem "the agent could not be started ($(reason))" "see: systemctl status fsmount"
        return 1
    fi
    say "agent started"
}

report() {
    if [ "$WAIT_S" = 0 ]; then
        say "the mounts come up in the background; to see them: fsmount status"
        return
    fi
    timeout -k 2 $((WAIT_S + 10)) "$COMMAND" status --wait "$WAIT_S" 2>&1 | quoted
    case ${PIPESTATUS[0]} in
    0) say "every mount is up" ;;
    1) problem "not every mount is up after $WAIT_S s" "the agent goes on trying; see: fsmount status" ;;
    *) problem "the agent gave no report in $WAIT_S s" "see: journalctl -u fsmount" ;;
    esac
}

hook() {
    say "on-start: bundle $ID, configuration $CONFIG_ORIGIN"
    if [ ! -x "$PYTHON" ]; then
        problem "there is no $PYTHON" "fsmount cannot run on this platform"
        return
    fi
    if [ -x "$CODE/bin/fsmount" ]; then
        say "already unpacked at $CODE"
    elif ! { obtain_bundle && unpack; }; then
        problem "there is no agent of version $ID this time" "the notebook starts without its file systems"
        return
    fi
    if ! install_all; then
        problem "unit and command could not be installed" "is the disk full?"
        return
    fi
    forget_old
    settle && start && report
}

run $((OWN_LIMIT_S + WAIT_S + 20))
