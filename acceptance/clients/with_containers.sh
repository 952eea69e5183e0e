#!/bin/sh
# Runs a shell script with podman, as root, on a machine that is a container or a CI itself.
#
#   with_containers.sh FOLDER SCRIPT
#
# FOLDER     where images and containers are kept, and nothing of them elsewhere
# SCRIPT     what is run by sh, in FOLDER, where its `podman` keeps everything; its exit status is that of this
#
# What stands in the way on such machines is taken out of it in a mount namespace: crun refuses a hierarchy of
# version 2 beside those of version 1, and without CAP_SYS_RESOURCE podman's usual limits cannot be set. All that is
# started is in a process namespace, and ends with this, however it ends.
set -eu

if [ "${WITHIN:-}" != yes ]; then
  exec env WITHIN=yes unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" "$@"
fi

folder=$1 script=$2
cd "$folder"
if mountpoint --quiet /sys/fs/cgroup/unified; then
  umount /sys/fs/cgroup/unified
fi
cat >containers.conf <<CONF
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4000:4000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
CONF
cat >storage.conf <<CONF
[storage]
driver = "overlay"
graphroot = "$folder/images"
runroot = "$folder/run"
CONF
export CONTAINERS_CONF="$folder/containers.conf" CONTAINERS_STORAGE_CONF="$folder/storage.conf" XDG_RUNTIME_DIR="$folder/run"
export HOME="$folder" TMPDIR="$folder"
mkdir -p images run
# Whatever the script leaves running ends here, and layers do not stay mounted.
trap 'podman rm --all --force --time 0 >/dev/null 2>&1 || true; podman umount --all >/dev/null 2>&1 || true' EXIT
sh -eu "$script"
