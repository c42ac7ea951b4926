"""What NAPALM's ios driver has to answer about BGP and routes."""

from __future__ import annotations

import ipaddress
from typing import Any

from netpulse_lab.surroundings import BgpPeer
from tests.lab.modelled.devices import CUSTOMER, FAR, UPSTREAM
from tests.lab.modelled.network import ModelledDevice, Neighbor


def bgp_config(device: ModelledDevice, *, only: str = "") -> Any:
    chosen = [one for one in device.neighbors if not only or one.address == only]
    return {
        "_": {
            "apply_groups": [],
            "description": "",
            "local_as": device.asn,
            "type": "",
            "import_policy": "",
            "export_policy": "",
            "local_address": "",
            "multipath": False,
            "multihop_ttl": 0,
            "remote_as": 0,
            "remove_private_as": False,
            "prefix_limit": {},
            "neighbors": {one.address: _configured(device, one) for one in chosen},
        }
    }


def _configured(device: ModelledDevice, one: Neighbor) -> dict[str, Any]:
    """A neighbour that is named below an address family has a prefix limit there, of nothing."""
    nothing = {"unicast": {"limit": 0, "teardown": {"threshold": 0, "timeout": 0}}}
    return {
        "description": one.description,
        "remote_as": one.remote_as,
        "prefix_limit": {"inet6": nothing} if one.version == 6 else {},
        "export_policy": one.route_map_out,
        "import_policy": one.route_map_in,
        "local_address": "",
        "local_as": device.asn,
        "authentication_key": one.password,
        "nhs": one.next_hop_self,
        "route_reflector_client": False,
    }


def bgp_neighbors(device: ModelledDevice) -> Any:
    """IOS keeps what was accepted alone unless told otherwise, and NAPALM gives that as received too."""
    members = {}
    for one in device.neighbors:
        fares = device.surroundings.peer(one.address)
        members[one.address] = {
            "local_as": device.asn,
            "remote_as": one.remote_as,
            "remote_id": fares.router_id if fares else "0.0.0.0",
            "is_up": fares is not None,
            "is_enabled": not one.shutdown,
            "description": one.description,
            "uptime": fares.uptime if fares else -1,
            "address_family": {
                f"ipv{one.version} unicast": {
                    "received_prefixes": fares.accepted if fares else -1,
                    "accepted_prefixes": fares.accepted if fares else -1,
                    "sent_prefixes": fares.sent if fares else -1,
                }
            },
        }
    return {"global": {"router_id": device.router_id, "peers": members}}


def bgp_detail(device: ModelledDevice, *, only: str = "") -> Any:
    table: dict[int, list[dict[str, Any]]] = {}
    for one in device.neighbors:
        if not only or one.address == only:
            fares = device.surroundings.peer(one.address)
            table.setdefault(one.remote_as, []).append(_detail(device, one, fares))
    return {"global": table}


def _detail(device: ModelledDevice, one: Neighbor, fares: BgpPeer | None) -> dict[str, Any]:
    return {
        "up": fares is not None,
        "local_as": device.asn,
        "remote_as": one.remote_as,
        "router_id": fares.router_id if fares else "0.0.0.0",
        "local_address": fares.local_address if fares else "",
        "local_address_configured": False,
        "local_port": fares.local_port if fares else 0,
        "routing_table": "global",
        "remote_address": one.address,
        "remote_port": fares.remote_port if fares else 0,
        "multihop": False,
        "multipath": False,
        "remove_private_as": False,
        "import_policy": one.route_map_in,
        "export_policy": one.route_map_out,
        "input_messages": fares.messages_in if fares else 0,
        "output_messages": fares.messages_out if fares else 0,
        "input_updates": fares.updates_in if fares else 0,
        "output_updates": fares.updates_out if fares else 0,
        "messages_queued_out": 0,
        "connection_state": "Established" if fares else "Idle",
        "previous_connection_state": "",
        "last_event": "",
        "suppress_4byte_as": False,
        "local_as_prepend": False,
        "holdtime": 180 if fares else 0,
        "configured_holdtime": 0,
        "keepalive": 60 if fares else 0,
        "configured_keepalive": 0,
        "active_prefix_count": fares.accepted if fares else 0,
        "received_prefix_count": fares.received if fares else 0,
        "accepted_prefix_count": fares.accepted if fares else 0,
        "suppressed_prefix_count": fares.received - fares.accepted if fares else 0,
        "advertised_prefix_count": fares.sent if fares else 0,
        "flap_count": 0,
    }


# -- routes ----------------------------------------------------------------------------------------------------------


def _route(prefix: str, **facts: Any) -> Any:
    entry = {
        "protocol": "",
        "outgoing_interface": "",
        "age": "",
        "current_active": True,
        "routing_table": "default",
        "last_active": True,
        "protocol_attributes": {},
        "next_hop": "",
        "selected_next_hop": True,
        "inactive_reason": "",
        "preference": 0,
    }
    return {prefix: [entry | facts]}


def route_by_bgp(device: ModelledDevice) -> Any:
    path = next(one for one in device.surroundings.routes if one.prefix == CUSTOMER)
    peer = next(one for one in device.neighbors if one.address == path.peer)
    attributes = {
        "as_path": " ".join(map(str, path.as_path)),
        "remote_address": path.peer,
        "communities": list(path.communities),
        "local_preference": path.local_preference,
        "local_as": device.asn,
        "remote_as": peer.remote_as,
    }
    return _route(path.prefix, protocol="bgp", next_hop=path.peer, age=path.age, protocol_attributes=attributes)


def route_static(device: ModelledDevice) -> Any:
    return _route(FAR, protocol="static", next_hop=device.static_routes[FAR])


def route_connected(device: ModelledDevice) -> Any:
    port = device.port(device.interface_to(UPSTREAM))
    network = ipaddress.IPv4Interface(port.address).network
    return _route(str(network), protocol="connected", outgoing_interface=port.name)
