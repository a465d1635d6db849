#!/bin/sh
# Become a machine of its own: what lies on this one below, and all that is written above it, in memory; then start systemd.
# Called as root in new namespaces (mount, pid, net, uts, ipc, cgroup): boot.sh FOLDER PACKAGES, both empty but for PACKAGES.
set -eu
folder=$1 packages=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$folder"
mkdir "$folder/up" "$folder/work" "$folder/parts" "$folder/parts-work" "$folder/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/up,workdir=$folder/work" overlay "$folder/root"

# The Python packages that the tests run on, where any user may read them, without this source tree among them.
mkdir "$folder/root/opt/packages"
mount -t overlay -o "lowerdir=$packages,upperdir=$folder/parts,workdir=$folder/parts-work" overlay "$folder/root/opt/packages"
rm -rf "$folder"/root/opt/packages/*handstamp*

cd "$folder/root"
mkdir srv/from-outside && mount --bind "$folder.given" srv/from-outside
mount -t proc proc proc
for place in proc/sys proc/sysrq-trigger; do
  mount --bind "$place" "$place" && mount -o remount,bind,ro "$place"
done
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch "dev/$device" && mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx && ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir .outside && pivot_root . .outside && cd / && umount -l /.outside
mount --make-rshared /

hostname night
ip link set lo up && ip address add 11.0.0.10/32 dev lo
rm -f /etc/systemd/system/*.wants/*
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog /lib/systemd/systemd --unit=multi-user.target
