"""What NAPALM's eos driver has to answer about BGP and routes."""

from __future__ import annotations

import ipaddress
from typing import Any

from netpulse_lab.surroundings import BgpPeer
from tests.lab.modelled.devices import CUSTOMER, FAR, UPSTREAM
from tests.lab.modelled.network import ModelledDevice, Neighbor


def bgp_config(device: ModelledDevice) -> Any:
    return {
        "_": {
            "type": "",
            "multipath": False,
            "apply_groups": [],
            "remove_private_as": False,
            "multihop_ttl": 0,
            "remote_as": 0,
            "local_address": "",
            "local_as": device.asn,
            "description": "",
            "import_policy": "",
            "export_policy": "",
            "prefix_limit": {},
            "neighbors": {one.address: _configured(device, one) for one in device.neighbors},
        }
    }


def _configured(device: ModelledDevice, one: Neighbor) -> dict[str, Any]:
    return {
        "description": one.description,
        "remote_as": one.remote_as,
        "local_address": "",
        "local_as": device.asn,
        "nhs": one.next_hop_self,
        "route_reflector_client": False,
        "import_policy": one.route_map_in,
        "export_policy": one.route_map_out,
        "authentication_key": one.password,
        "prefix_limit": {},
    }


def bgp_neighbors(device: ModelledDevice) -> Any:
    members = {}
    for one in device.neighbors:
        fares = device.surroundings.peer(one.address)
        none = {"received_prefixes": 0, "accepted_prefixes": 0, "sent_prefixes": 0}
        families = {"ipv4": none, "ipv6": none}
        if fares:
            families[f"ipv{one.version}"] = {
                "received_prefixes": fares.received,
                "accepted_prefixes": fares.accepted,
                "sent_prefixes": fares.sent,
            }
        members[one.address] = {
            "local_as": device.asn,
            "remote_as": one.remote_as,
            "remote_id": fares.router_id if fares else "0.0.0.0",
            "is_up": fares is not None,
            "is_enabled": not one.shutdown,
            "description": one.description,
            "uptime": fares.uptime if fares else -1,
            "address_family": families,
        }
    return {"global": {"router_id": device.router_id, "peers": members}}


def bgp_detail(device: ModelledDevice, *, only: str = "") -> Any:
    table: dict[int, list[dict[str, Any]]] = {}
    for one in device.neighbors:
        if not only or one.address == only:
            fares = device.surroundings.peer(one.address)
            table.setdefault(one.remote_as, []).append(_detail(device, one, fares))
    return {"default": table}


def _detail(device: ModelledDevice, one: Neighbor, fares: BgpPeer | None) -> dict[str, Any]:
    return {
        "up": fares is not None,
        "local_as": device.asn,
        "remote_as": one.remote_as,
        "router_id": fares.router_id if fares else "0.0.0.0",
        "local_address": fares.local_address if fares else "",
        "local_address_configured": fares is not None,
        "local_port": fares.local_port if fares else 0,
        "routing_table": "default",
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
        "previous_connection_state": "OpenConfirm" if fares else "",
        "last_event": "RecvKeepAlive" if fares else "",
        "suppress_4byte_as": False,
        "local_as_prepend": False,
        "holdtime": 180,
        "configured_holdtime": 180,
        "keepalive": 60,
        "configured_keepalive": 60,
        "active_prefix_count": 0,
        "received_prefix_count": fares.received if fares else 0,
        "accepted_prefix_count": fares.accepted if fares else 0,
        "suppressed_prefix_count": 0,
        "advertised_prefix_count": fares.sent if fares else 0,
        "flap_count": 0,
    }


# -- routes ----------------------------------------------------------------------------------------------------------


def _route(prefix: str, **facts: Any) -> Any:
    entry = {
        "current_active": True,
        "last_active": True,
        "age": 0,
        "next_hop": "",
        "protocol": "",
        "outgoing_interface": "",
        "preference": 0,
        "inactive_reason": "",
        "routing_table": "default",
        "selected_next_hop": True,
        "protocol_attributes": {},
    }
    return {prefix: [entry | facts]}


def route_by_bgp(device: ModelledDevice) -> Any:
    """NAPALM's remote_as is the AS that the prefix comes from."""
    path = next(one for one in device.surroundings.routes if one.prefix == CUSTOMER)
    return _route(
        path.prefix,
        protocol="eBGP",
        next_hop=path.peer,
        outgoing_interface=device.interface_to(path.peer),
        preference=200,
        inactive_reason="noReason",
        protocol_attributes={
            "metric": 0,
            "as_path": f"{' '.join(map(str, path.as_path))} i",
            "local_preference": path.local_preference,
            "local_as": device.asn,
            "remote_as": path.as_path[-1],
            "remote_address": path.peer,
            "preference2": 0,
            "communities": list(path.communities),
        },
    )


def route_static(device: ModelledDevice) -> Any:
    hop = device.static_routes[FAR]
    interface = device.interface_to(hop)
    return _route(FAR, protocol="static", next_hop=hop, outgoing_interface=interface, preference=1)


def route_connected(device: ModelledDevice) -> Any:
    port = device.port(device.interface_to(UPSTREAM))
    network = ipaddress.IPv4Interface(port.address).network
    return _route(str(network), protocol="connected", outgoing_interface=port.name)
