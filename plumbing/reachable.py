"""Which network addresses are out in the open, which in an operator's own network, and which are neither.

Python's own `is_global` follows the registries of the day on which it was built, and calls much of IPv6 global that
leads nowhere but inside. So IPv6 is taken only from what is given out to the world (2000::/3, RFC 4291 §2.4), and what
cloud providers answer their own machines at is named.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NEVER_4: Final = (
    IPv4Network("0.0.0.0/8"),  # "this network": many systems take it for themselves
    IPv4Network("100.64.0.0/10"),  # shared by carriers (RFC 6598); 100.100.100.200 is Alibaba's metadata
    IPv4Network("127.0.0.0/8"),
    IPv4Network("168.63.129.16/32"),  # Azure's own, at an address that looks public
    IPv4Network("169.254.0.0/16"),  # link-local, and nearly everybody's metadata
    IPv4Network("192.0.0.0/24"),  # RFC 6890; 192.0.0.192 is Oracle's metadata
    IPv4Network("192.88.99.0/24"),  # relays of 6to4 (RFC 7526)
)
_NEVER_6: Final = (
    IPv6Network("fd00:ec2::/32"),  # Amazon's metadata and clock
    IPv6Network("fd20:ce::/32"),  # Google's metadata
)
_OPEN_6: Final = IPv6Network("2000::/3")
_EXAMPLES_6: Final = IPv6Network("3fff::/20")  # RFC 9637
_OWN_4: Final = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
_OWN_6: Final = IPv6Network("fc00::/7")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: a translator turns it to IPv4
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # RFC 5214 §6.1: IPv4 in the last four bytes
_LAST_4: Final = 0xFFFF_FFFF


def is_reachable(address: str, *, private: bool) -> bool:
    """Tell whether an outgoing request may go to `address`, whatever way its bytes are written in.

    Args:
        address: as a resolver gives it.
        private: whether the operator allows their own network too.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return _is_reachable_4(parsed, private=private)
    if parsed.ipv4_mapped is not None:
        return _is_reachable_4(parsed.ipv4_mapped, private=private)
    if not all(_is_reachable_4(each, private=private) for each in _carried(parsed)):
        return False
    return parsed in _TRANSLATED or _is_reachable_6(parsed, private=private)


def _is_reachable_4(address: IPv4Address, *, private: bool) -> bool:
    if any(address in network for network in _NEVER_4) or address.is_multicast or address.is_reserved:
        return False
    return address.is_global or (private and any(address in network for network in _OWN_4))


def _is_reachable_6(address: IPv6Address, *, private: bool) -> bool:
    if any(address in network for network in _NEVER_6):
        return False
    is_open = address in _OPEN_6 and address not in _EXAMPLES_6 and address.is_global
    return is_open or (private and address in _OWN_6)


def _carried(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 one leads to: by a translator, 6to4, Teredo or ISATAP."""
    if address.teredo is not None:
        return list(address.teredo)
    if address.sixtofour is not None:
        return [address.sixtofour]
    is_isatap = (int(address) >> 32) & _LAST_4 in _ISATAP
    return [IPv4Address(int(address) & _LAST_4)] if is_isatap or address in _TRANSLATED else []
