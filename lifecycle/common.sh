set -u
umask 022
# The platform's two documents disagree on PATH. No directory that ec2-user can write to belongs here.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
cd /

BUNDLE_URL=@BUNDLE_URL@
BUNDLE_SHA256=@BUNDLE_SHA256@
REGION=@REGION@

VOLUME=/home/ec2-user/SageMaker
KEEP=.fsmount
ID=${BUNDLE_SHA256:0:16}
KEPT=bundle-$ID.tar.gz
OWN_LIMIT_S=60
MAX_MIB=20
SECONDS=0
work=

say() { printf 'fsmount: %s\n' "$*"; }
problem() { say "problem: $1 - $2"; }
printable() { tr -d '\000-\010\013-\037\177'; }

# reason: the last line that the last command left in $work/err.
reason() {
    local line
    line=$(printable <"$work/err" | grep . | tail -n 1 | cut -c 1-300)
    printf '%s' "${line:-it gave no reason}"
}

# bounded SECONDS COMMAND...: at most so long, and never past the hook's own limit.
bounded() {
    local left=$((OWN_LIMIT_S - SECONDS)) limit=$1
    shift
    [ "$left" -ge "$limit" ] || limit=$left
    [ "$limit" -gt 0 ] || return 124
    timeout -k 2 "$limit" "$@"
}

is_regular() { [ -f "$1" ] && [ ! -L "$1" ]; }

# copy FROM TO: never follows a link, never waits for a writer, never more than MAX_MIB.
copy() {
    bounded 15 dd if="$1" of="$2" iflag=nofollow,nonblock,fullblock bs=1M count=$MAX_MIB conv=fsync \
        status=none 2>"$work/err"
}

is_pinned() { [ "$(bounded 10 sha256sum <"$1" | cut -d ' ' -f 1)" = "$BUNDLE_SHA256" ]; }

# ec2-user owns the volume's directory: he can swap any name in it at any time. So a name is never checked and
# then used: enter first, then look at where we are. Inside a directory that only root can write to, names stay
# what they were, even if the directory itself is renamed.
here_is() { [ "$(readlink /proc/self/cwd)" = "$1" ]; }

enter_volume() {
    cd -P "$VOLUME" 2>/dev/null && here_is "$VOLUME" && return
    problem "$VOLUME is not a directory" "nothing can be kept across a stop; is the volume attached?"
    return 1
}

here_is_ours() {
    local device=$1 owner mode at
    here_is "$VOLUME/$KEEP" || return
    read -r owner mode at < <(stat -c '%u %a %d' .) || return
    [ "$owner" = 0 ] && [ $((8#$mode & 8#022)) = 0 ] && [ "$at" = "$device" ]
}

# enter_keep: change into the kept directory, or fail; for a subshell.
enter_keep() {
    local device try aside
    enter_volume || return
    device=$(stat -c %d .)
    for try in 1 2 3; do
        mkdir -m 0755 "$KEEP" 2>"$work/err"
        if cd -P "./$KEEP" 2>/dev/null && here_is_ours "$device"; then return 0; fi
        enter_volume || return
        [ -e "$KEEP" ] || [ -L "$KEEP" ] || break
        aside=$KEEP.refused.$(date +%Y%m%d%H%M%S).$$.$try
        mv -T -n "$KEEP" "$aside" 2>"$work/err" || break
        problem "$VOLUME/$KEEP was not a directory of root's alone" "not used; it is $aside now"
    done
    problem "$VOLUME/$KEEP cannot be used ($(reason))" "nothing is kept across a stop; free space, or move it away"
    return 1
}

# keep FILE NAME: put a copy into the kept directory, whole or not at all.
keep() (
    enter_keep || exit
    find . -maxdepth 1 -name '.new.*' -delete
    if copy "$1" ".new.$$" && mv -f -T ".new.$$" "$2" 2>"$work/err"; then exit 0; fi
    rm -f ".new.$$"
    problem "$2 could not be kept on the volume ($(reason))" "free space there; until then each start fetches it anew"
    exit 1
)

# take NAME FILE: copy a kept file to where only root can write.
take() (
    enter_keep || exit
    [ -e "$1" ] || [ -L "$1" ] || exit
    if ! is_regular "$1"; then
        problem "the kept $1 is not a regular file" "not used"
        exit 1
    fi
    copy "$1" "$2"
)

region() {
    [ -z "$REGION" ] || { echo "$REGION"; return; }
    sed -n 's/.*"ResourceArn"[^"]*"arn:[a-z-]*:sagemaker:\([a-z0-9-]*\):.*/\1/p' \
        /opt/ml/metadata/resource-metadata.json 2>/dev/null | head -n 1
}

# fetch URL FILE WHAT: a clear line and failure if it does not come.
fetch() {
    local url=$1 file=$2 what=$3 in
    case $url in
    s3://*)
        if ! command -v aws >/dev/null; then
            problem "there is no AWS CLI, so the $what cannot be fetched" "install awscli-2 for root; not conda's"
            return 1
        fi
        in=$(region)
        (
            ulimit -f $((MAX_MIB * 1024))
            export AWS_MAX_ATTEMPTS=3
            bounded 30 aws s3 cp --only-show-errors --cli-connect-timeout 5 --cli-read-timeout 20 \
                ${in:+--region "$in"} "$url" "$file" </dev/null >/dev/null 2>"$work/err"
        )
        ;;
    *)
        (
            ulimit -f $((MAX_MIB * 1024))
            bounded 45 curl -fsSL --proto =https --connect-timeout 5 -o "$file" "$url" </dev/null 2>"$work/err"
        )
        ;;
    esac
    local code=$?
    case $code in
    0) return 0 ;;
    124 | 137) echo "no answer in time" >"$work/err" ;;
    esac
    rm -f "$file"
    problem "the $what did not come from $url: $(reason)" "check the address, the role's permission, the endpoint"
    return 1
}

# obtain_bundle: leave the pinned bundle at $work/bundle, from the volume or else from its origin.
obtain_bundle() {
    if take "$KEPT" "$work/bundle"; then
        if is_pinned "$work/bundle"; then
            say "the kept bundle is the pinned one"
            return 0
        fi
        problem "the kept bundle is not the pinned one" "not used; fetching it anew"
    fi
    rm -f "$work/bundle"
    fetch "$BUNDLE_URL" "$work/bundle" bundle || return
    if ! is_pinned "$work/bundle"; then
        problem "what came from $BUNDLE_URL has SHA-256 $(sha256sum <"$work/bundle" | cut -c 1-64), pinned is $BUNDLE_SHA256" \
            "not used; upload the right bundle or render the scripts for this one"
        return 1
    fi
    say "bundle fetched from $BUNDLE_URL"
    if keep "$work/bundle" "$KEPT"; then
        say "bundle kept on the volume"
        (enter_keep && find . -maxdepth 1 -name 'bundle-*' ! -name "$KEPT" -delete)
    fi
    return 0
}

main() {
    trap '[ -z "$work" ] || rm -rf "$work"' EXIT
    if ! work=$(mktemp -d /run/fsmount-hook.XXXXXXXX); then
        problem "no working directory in /run" "fsmount does not start this time"
        return
    fi
    hook
    exit 0
}

# run LIMIT: the notebook starts whatever happens here, so everything runs in a process group of its own that is
# ended at the limit, and the script ends with 0.
run() {
    local limit=$1 pid
    trap 'exit 0' EXIT HUP INT TERM
    set -m
    main </dev/null 2>&1 &
    pid=$!
    set +m
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$SECONDS" -ge "$limit" ]; then
            problem "not done after $limit s" "left as it is; the notebook starts all the same"
            kill -KILL -- "-$pid"
            exit 0
        fi
        sleep 0.1
    done 2>/dev/null
    wait "$pid" || problem "the script ended early" "what it said above is all it did; the notebook starts all the same"
    exit 0
}
