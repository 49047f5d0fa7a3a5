#!/bin/bash
# What SageMaker does to a fresh machine before the lifecycle hooks: attach the volume, write the metadata, set sudo.
#   instance.sh NAME ARN yes|no     the last says whether ec2-user has root access
set -euo pipefail
name=$1 arn=$2 root_access=$3

# Disks are looked for by hand (scsi_mod.scan=manual): a machine from a snapshot has not seen this instance's disks yet.
for host in /sys/class/scsi_host/host*; do
  if [[ $(cat "$host/proc_name") == virtio_scsi ]]; then echo '- - -' >"$host/scan"; fi
done
disk() {
  local node
  for _ in $(seq 100); do
    for node in /sys/bus/scsi/devices/*:0:"$1":0/block/*; do
      if [[ -b /dev/${node##*/} ]]; then echo "/dev/${node##*/}"; return; fi
    done
    sleep 0.05
  done
  echo "no disk at SCSI address $1" >&2
  return 1
}
mkdir -p /home/ec2-user/SageMaker /srv/servers /opt/ml/metadata
mount -t ext4 "$(disk 1)" /home/ec2-user/SageMaker
mount -t ext4 "$(disk 2)" /srv/servers
/usr/lib/fsmount-vm/servers.sh export

printf '{"ResourceArn":"%s","ResourceName":"%s"}\n' "$arn" "$name" >/opt/ml/metadata/resource-metadata.json
chmod 644 /opt/ml/metadata/resource-metadata.json
rm -f /etc/sudoers.d/ec2-user
if [[ $root_access == yes ]]; then
  printf 'ec2-user ALL=(ALL) NOPASSWD:ALL\n' >/etc/sudoers.d/ec2-user
  chmod 440 /etc/sudoers.d/ec2-user
fi
