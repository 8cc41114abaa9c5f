"""A sysfs in the shape the kernel gives it: devices in a tree of hubs, links to them below bus/usb/devices."""

from __future__ import annotations

import shutil
from pathlib import Path

CONTROLLER = "devices/pci0000:00/0000:00:14.0"


class Usb:
    """The USB of a machine, below `root`/sys and `root`/dev."""

    def __init__(self, root: Path) -> None:
        self.sysfs, self.dev = root / "sys", root / "dev"
        (self.sysfs / "bus/usb/devices").mkdir(parents=True)
        self.dev.mkdir()
        self.plug("usb1", vendor="1d6b", product="0002", serial="0000:00:14.0", name="xHCI Host Controller")
        self.plug("1-1", vendor="0bda", product="5411", name="4-Port USB 2.0 Hub")

    def plug(
        self,
        path: str,
        *,
        vendor: str = "303a",
        product: str = "1001",
        serial: str | None = None,
        terminal: str | None = None,
        name: str = "USB JTAG/serial debug unit",
    ) -> None:
        """A device at a socket, with its interface 0 and, if it has a terminal, that."""
        hubs = [path[:end] for end in range(3, len(path)) if path[end] == "."] if "-" in path else []
        way = ["usb1", *hubs, path] if "-" in path else [path]
        folder = self.sysfs / CONTROLLER / "/".join(way)
        interface = folder / f"{path}:1.0"
        interface.mkdir(parents=True)
        files = {"idVendor": vendor, "idProduct": product, "product": name, "bcdDevice": "0101", "speed": "12"}
        for attribute, value in files.items() if serial is None else [*files.items(), ("serial", serial)]:
            (folder / attribute).write_text(f"{value}\n")
        if terminal:
            (interface / "tty" / terminal).mkdir(parents=True)
            (self.dev / terminal).touch()
        for target in (folder, interface):
            (self.sysfs / "bus/usb/devices" / target.name).symlink_to(target)

    def unplug(self, path: str) -> None:
        """What is at a socket goes away, with its terminal and that one's link."""
        folder = (self.sysfs / "bus/usb/devices" / path).resolve()
        for terminal in folder.glob(f"{path}:*/tty/*"):
            (self.dev / terminal.name).unlink()
            for link in (self.dev / "badge").iterdir():
                if link.readlink().name == terminal.name:
                    link.unlink()
        for link in (self.sysfs / "bus/usb/devices").glob(f"{path}*"):
            if link.name.partition(":")[0] == path:
                link.unlink()
        shutil.rmtree(folder)

    def name_slot(self, slot: str, terminal: str) -> None:
        """The link that udev makes by the rules of the role `badge`."""
        (self.dev / "badge").mkdir(exist_ok=True)
        (self.dev / "badge" / slot).symlink_to(f"../{terminal}")
