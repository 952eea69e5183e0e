#!/bin/sh
# Runs a shell script with a systemd user manager, on a machine that was not booted with systemd: a container, a CI.
#
#   with_user_manager.sh HOME PROGRAMS SCRIPT
#
# HOME       the home of the user, with a folder `run` for the runtime of the session
# PROGRAMS   a folder with what is found in /usr/local/bin meanwhile
# SCRIPT     what is run by sh, in HOME, once the manager is there; its exit status is that of this
#
# Needs root, for a mount namespace of its own in which the machine looks as if systemd had booted it, and a process
# namespace, with which all that the manager has started ends. Nothing outside of them changes.
set -eu

if [ "${WITHIN:-}" != yes ]; then
  exec env WITHIN=yes unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" "$@"
fi

home=$1 programs=$2 script=$3
# The manager asks whether this is there before anything else.
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system
mount --bind "$programs" /usr/local/bin

export HOME="$home" XDG_RUNTIME_DIR="$home/run" USER=root
unset WITHIN XDG_CONFIG_HOME XDG_DATA_HOME
cd "$HOME"
mkdir -p run
chmod 700 run

/lib/systemd/systemd --user --log-target=console >manager.log 2>&1 </dev/null &
manager=$!
# What it has started ends with it, also where the script fails.
trap 'kill "$manager" 2>/dev/null; wait "$manager" 2>/dev/null || true' EXIT
attempts=0
until systemctl --user is-system-running >/dev/null 2>&1; do
  attempts=$((attempts + 1))
  [ "$attempts" -lt 300 ] || { cat manager.log >&2; echo 'error: the user manager does not start' >&2; exit 1; }
  kill -0 "$manager" || { cat manager.log >&2; echo 'error: the user manager has ended' >&2; exit 1; }
  sleep 0.1
done
sh -eu "$script"
