#!/bin/bash
# fsmount, on-create: put the bundle on the volume, for every start to come. Rendered by packaging/render_hooks.py.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "${0%/*}/common.sh"

hook() {
    say "on-create: bundle $ID"
    obtain_bundle || say "nothing is on the volume yet: on-start tries again"
}

run $((OWN_LIMIT_S + 10))
