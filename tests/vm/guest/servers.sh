#!/bin/bash
# Eight NFSv4.1 servers that fail one by one, each in a network and a UTS namespace of its own: the client tells servers
# apart by their host names, and the kernel runs one NFS server per network namespace.
#   servers.sh up                    start all, export nothing yet
#   servers.sh export                export /srv/servers/fsN, once that disk is mounted
#   servers.sh FAULT N [ARGUMENT]    black_hole, refuse, stop, reboot, forget, slow MS, link_down, deny, squash DIRECTORY,
#                                    exclude, withdraw DIRECTORY, replace DIRECTORY
#   servers.sh restore N...          undo every fault of these servers
set -euo pipefail
count=8
state=/run/fsmount-vm
self=/usr/lib/fsmount-vm/servers.sh

in_net() { nsenter --net="/run/netns/fs$1" -- "${@:2}"; }
in_server() { nsenter --target "$(cat "$state/fs$1.pid")" --net --mount --uts -- "${@:2}"; }

start_nfsd() { in_server "$1" rpc.nfsd -N 3 -V 4 --no-udp 8; }
export_root() {
  in_server "$1" exportfs -o "rw,fsid=0,${2:-no_root_squash},insecure,no_subtree_check" "${3:-*}:/srv/servers/fs$1"
}
remember_clients() { nfsdcld -p /var/lib/nfs/rpc_pipefs -s /var/lib/nfs/nfsdcld; }

up_one() {
  local i=$1
  ip netns add "fs$i"
  ip link add "v$i" type veth peer name e0 netns "fs$i"
  ip addr add "10.9.$i.1/24" dev "v$i"
  ip link set "v$i" up
  ip -n "fs$i" addr add "10.9.$i.2/24" dev e0
  ip -n "fs$i" link set e0 up
  ip -n "fs$i" link set lo up
  # The mount namespace of `ip netns exec` is a slave of the machine's: the servers' disk shows up in it when it comes.
  setsid ip netns exec "fs$i" unshare --uts -- "$self" hold "$i" </dev/null >"$state/fs$i.log" 2>&1 &
}

hold() {
  local i=$1
  hostname "fs$i"
  mount -t tmpfs tmpfs /var/lib/nfs
  mkdir -p /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs /var/lib/nfs/sm /var/lib/nfs/nfsdcld
  touch /var/lib/nfs/etab /var/lib/nfs/rmtab /var/lib/nfs/state
  mount -t nfsd nfsd /proc/fs/nfsd
  echo 10 >/proc/fs/nfsd/nfsv4gracetime
  # It remembers the clients over a restart of the server: they get back what they had open, and where there were none
  # the server does not begin with a grace period. Debian 11 has no such program.
  if command -v nfsdcld >/dev/null; then
    mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
    remember_clients
  fi
  rpc.mountd -N 3 -N 2 --no-udp
  rpc.nfsd -N 3 -V 4 --no-udp 8
  echo $$ >"$state/fs$i.new"
  mv "$state/fs$i.new" "$state/fs$i.pid"
  exec sleep infinity
}

# A reboot after which the server knows nothing of its clients, as if its disk was new: nobody gets back what he had open.
forget() {
  local i=$1 pid
  in_server "$i" rpc.nfsd 0
  for pid in $(ip netns pids "fs$i"); do
    if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == nfsdcld ]]; then kill "$pid"; while [[ -d /proc/$pid ]]; do sleep 0.1; done; fi
  done
  in_server "$i" bash -c 'rm -rf /var/lib/nfs/nfsdcld/* /var/lib/nfs/v4recovery/*'
  if command -v nfsdcld >/dev/null; then in_server "$i" "$self" remember_clients; fi
  start_nfsd "$i"
  rm -f "$state/fs$i.stopped"
}

up() {
  mkdir -p "$state"
  modprobe -a nfsd nfs nfsv4 veth sch_netem nf_tables
  ip addr add 10.0.2.15/24 dev eth0
  ip link set eth0 up
  ip route add default via 10.0.2.2
  for i in $(seq "$count"); do up_one "$i"; done
  for i in $(seq "$count"); do
    for _ in $(seq 300); do [[ -e $state/fs$i.pid ]] && break; sleep 0.1; done
    [[ -e $state/fs$i.pid ]] || { echo "server $i did not start: $(cat "$state/fs$i.log")" >&2; exit 1; }
  done
}

restore() {
  local i=$1 away mode
  ip link set "v$i" up
  in_net "$i" nft delete table inet fault 2>/dev/null || true
  in_net "$i" tc qdisc del dev e0 root 2>/dev/null || true
  for away in "/srv/servers/fs$i"/.withdrawn/*; do
    [[ -e $away ]] && mv "$away" "/srv/servers/fs$i/"
  done
  if [[ -e $state/fs$i.denied ]]; then rm "$state/fs$i.denied"; in_server "$i" exportfs -ua; export_root "$i"; fi
  if [[ -e $state/fs$i.squashed ]]; then
    read -r mode away <"$state/fs$i.squashed"
    chmod "$mode" "$away"
    rm "$state/fs$i.squashed"
    export_root "$i"
  fi
  if [[ -e $state/fs$i.stopped ]]; then rm "$state/fs$i.stopped"; start_nfsd "$i"; fi
}

rules() {
  in_net "$1" nft -f - <<N
table inet fault
delete table inet fault
table inet fault {
  chain arriving { type filter hook input priority 0; $2; }
  chain leaving { type filter hook output priority 0; $3; }
}
N
}

verb=$1
shift
case $verb in
  up) up ;;
  hold) hold "$1" ;;
  export) for i in $(seq "$count"); do export_root "$i" & done; wait ;;
  restore) for i in "$@"; do restore "$i"; done ;;
  black_hole) rules "$1" 'iifname "e0" drop' 'oifname "e0" drop' ;;
  refuse) rules "$1" 'tcp dport 2049 reject with tcp reset' accept ;;
  stop) touch "$state/fs$1.stopped"; in_server "$1" rpc.nfsd 0 ;;
  reboot) in_server "$1" rpc.nfsd 0; start_nfsd "$1"; rm -f "$state/fs$1.stopped" ;;
  forget) forget "$1" ;;
  remember_clients) remember_clients ;;
  slow) in_net "$1" tc qdisc replace dev e0 root netem delay "$2ms" ;;
  link_down) ip link set "v$1" down ;;
  deny) touch "$state/fs$1.denied"; in_server "$1" exportfs -ua; in_server "$1" exportfs -f ;;
  exclude) # exported to another client alone
    touch "$state/fs$1.denied"
    in_server "$1" exportfs -ua
    export_root "$1" no_root_squash "10.9.$1.99"
    in_server "$1" exportfs -f ;;
  squash) # root on the notebook is nobody on the server from now on, and nobody may look into DIRECTORY
    if [[ ! -e $state/fs$1.squashed ]]; then
      printf '%s %s\n' "$(stat -c %a "/srv/servers/fs$1/$2")" "/srv/servers/fs$1/$2" >"$state/fs$1.squashed"
    fi
    chmod 700 "/srv/servers/fs$1/$2"
    export_root "$1" root_squash
    in_server "$1" exportfs -f ;;
  replace) # another directory of the same name: whoever has the old one mounted holds a stale handle
    cp -a "/srv/servers/fs$1/$2" "/srv/servers/fs$1/.new"
    rm -r "/srv/servers/fs$1/$2"
    mv "/srv/servers/fs$1/.new" "/srv/servers/fs$1/$2" ;;
  withdraw)
    mkdir -p "/srv/servers/fs$1/.withdrawn"
    chmod 700 "/srv/servers/fs$1/.withdrawn"
    if [[ -e /srv/servers/fs$1/$2 ]]; then mv "/srv/servers/fs$1/$2" "/srv/servers/fs$1/.withdrawn/"; fi ;;
  *) echo "servers.sh: unknown verb $verb" >&2; exit 2 ;;
esac
