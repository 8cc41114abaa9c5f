# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers that esptool reads and writes: the eFuses with the MAC and the chip's revision, and the SPI controller,
with which it sends commands of its own to the flash. Addresses: ESP32-C6 Technical Reference Manual."""

from __future__ import annotations

# In the ROM: what loaders without GET_SECURITY_INFO, such as esptool-js, know the chip by.
CHIP_DETECT, ESP32_C6_MAGIC = 0x40001000, 0x2CE0806F
EFUSE_BLOCK1 = 0x600B0844
SECURE_BOOT = 0x600B0838
# Either controller reaches the flash: esptool takes SPI1, esptool-js SPI0.
SPI = (0x60002000, 0x60003000)
SPI_ADDRESS, SPI_USER2, SPI_WORD0 = 0x04, 0x20, 0x58

_SECURE_BOOT_ON = 1 << 20
_PACKAGE_QFN32 = 1
_CAPACITY_4MB = 1
_START = 1 << 18
_READ_ID, _READ_SFDP = 0x9F, 0x5A
_FLASH_MAKER = 0xC8
_FLASH_KIND = 0x40
_SFDP = {0x00: 0x50444653, 0x10: _FLASH_MAKER}


class Registers:
    """The registers of one chip.

    :param mac: six bytes.
    :param revision: major and minor.
    :param secure_boot: whether its eFuse is burnt.
    :param flash_size: bytes, a power of two.
    """

    def __init__(self, mac: bytes, revision: tuple[int, int], secure_boot: bool, flash_size: int) -> None:
        self.flash_id = _FLASH_MAKER | _FLASH_KIND << 8 | (flash_size.bit_length() - 1) << 16
        major, minor = revision
        self.values = {
            CHIP_DETECT: ESP32_C6_MAGIC,
            EFUSE_BLOCK1: int.from_bytes(mac[2:], "big"),
            EFUSE_BLOCK1 + 4: int.from_bytes(mac[:2], "big") | 0xFFFE << 16,
            EFUSE_BLOCK1 + 12: _PACKAGE_QFN32 << 24 | major << 22 | minor << 18,
            EFUSE_BLOCK1 + 16: _CAPACITY_4MB,
            SECURE_BOOT: _SECURE_BOOT_ON if secure_boot else 0,
        }

    def read(self, address: int) -> int:
        """A register's value; 0 of those nobody wrote."""
        return self.values.get(address, 0)

    def write(self, address: int, value: int, mask: int = 0xFFFFFFFF) -> None:
        """Set the bits of the mask. The start bit of the SPI controller runs its command at once."""
        self.values[address] = self.read(address) & ~mask | value & mask
        if address in SPI and self.values[address] & _START:
            self.values[address] &= ~_START
            self.values[address + SPI_WORD0] = self._ask_flash(address)

    def _ask_flash(self, controller: int) -> int:
        command = self.read(controller + SPI_USER2) & 0xFF
        if command == _READ_ID:
            return self.flash_id
        if command == _READ_SFDP:
            return _SFDP.get(self.read(controller + SPI_ADDRESS) >> 8, 0)
        return 0
