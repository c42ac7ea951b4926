"""A stranger who tries keys is heard of and gets slow answers; who has one does not notice."""

from __future__ import annotations

import json

from tests.lab.running_broker import RunningBroker


def test_who_tries_keys_is_logged_and_slowed_down(broker: RunningBroker) -> None:
    answers = [broker.client.get("/job", headers={"X-API-KEY": f"guess-{number}"}) for number in range(7)]
    assert {answer.status_code for answer in answers} == {403}
    log = (broker.state_dir / "log" / "controller.log").read_text()
    told = [json.loads(line) for line in log.splitlines() if "api_key_wrong" in line]
    assert [(line["tries"], line["address"]) for line in told] == [(number, "127.0.0.1") for number in range(1, 6)]
    assert "guess-" not in log
    assert broker.get("/health")
