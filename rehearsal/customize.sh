#!/bin/sh
# Run by mmdebstrap in the new root file system ($1): what a cloud image has, and what a container cannot do.
set -eu
root=$1
chroot "$root" useradd --create-home --shell /bin/bash debian
echo 'debian ALL=(ALL) NOPASSWD:ALL' > "$root/etc/sudoers.d/90-cloud-init-users"
chmod 0440 "$root/etc/sudoers.d/90-cloud-init-users"
rm -f "$root"/etc/ssh/ssh_host_*

# What has no use in a container: kernel modules, consoles, devices. Each unit that waits for files takes one of the
# machine's inotify instances, of which there are 128 by default.
chroot "$root" systemctl mask --quiet systemd-modules-load.service systemd-ask-password-console.path \
  systemd-ask-password-wall.path dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service getty.target

# The clients alone have a resolver of their own.
chroot "$root" systemctl disable --quiet systemd-resolved.service
rm -f "$root/etc/resolv.conf"
: > "$root/etc/resolv.conf"

# A package's service starts when its role has configured it, not when a container boots: kres-cache-gc with a resolver,
# whose cache it looks for in vain, each second, where none runs.
for unit in chrony fail2ban kea-dhcp4-server kea-dhcp-ddns-server knot kres-cache-gc nginx nix-daemon.socket nix-daemon.service \
  unattended-upgrades apt-daily.timer apt-daily-upgrade.timer; do
  chroot "$root" systemctl disable --quiet "$unit"
done

# No mirror can be reached from a rehearsal, so the package lists of this image count as fresh.
touch -d '+10 years' "$root/var/lib/apt/periodic/update-success-stamp"
