"""The configuration that a router of the lab starts with.

    r1 (AS 65001, 10.255.0.1/32) ge0 10.99.0.1/30 ──── 10.99.0.2/30 ge0 r2 (AS 65002, 10.255.0.2/32)
       ge1, ge2 ──── cabled to the other's ge1, ge2, without addresses: for tests that configure something

BGP carries the loopback addresses; OSPF runs on ge0.
"""

from __future__ import annotations

LINKS = ("ge0", "ge1", "ge2")


def startup_config(number: int) -> str:
    """frr.conf of router r1 or r2."""
    other = 3 - number
    return f"""\
frr defaults traditional
hostname r{number}
service integrated-vtysh-config
!
interface ge0
 ip address 10.99.0.{number}/30
 ip ospf hello-interval 1
 ip ospf dead-interval 4
 ip ospf network point-to-point
exit
!
interface lo
 ip address 10.255.0.{number}/32
exit
!
router bgp 6500{number}
 bgp router-id 10.255.0.{number}
 no bgp ebgp-requires-policy
 neighbor 10.99.0.{other} remote-as 6500{other}
 neighbor 10.99.0.{other} timers connect 1
 !
 address-family ipv4 unicast
  network 10.255.0.{number}/32
 exit-address-family
exit
!
router ospf
 ospf router-id 10.255.0.{number}
 network 10.99.0.0/30 area 0
exit
!
"""


def vtysh_config(number: int) -> str:
    """vtysh.conf: the prompt is vtysh's own, so the hostname has to stand here too."""
    return f"service integrated-vtysh-config\nhostname r{number}\n"
