"""Verdicts into Asterisk's dialplan, against an Asterisk that speaks AMI strictly; see ami_fake.py."""

import pathlib
import time
import uuid

import pytest
from ami_fake import Asterisk, Channel
from conftest import Call, eventually

NAMES = ["VERAVOX_CAUSE", "VERAVOX_SCORE", "VERAVOX_SPEECH_MS", "VERAVOX_STATUS"]


@pytest.fixture
def asterisk():
    one = Asterisk()
    one.port = one.start()
    yield one
    one.answers = True
    one.stop()
    assert one.violations == []


def settings(folder, port, secret="s3cret"):
    path = pathlib.Path(folder) / "ami-secret"
    path.write_text(secret + "\n")
    return f'address = "127.0.0.1:{port}"\nusername = "veravox"\nsecret_file = "{path}"'


def ami(gateway):
    return gateway.get("/v1/status")["ami"]


def test_the_dialplan_learns_what_the_gateway_thinks(gateway, asterisk, tmp_path):
    other = Channel(1, "Playback", "welcome")
    asterisk.channels.append(other)
    channel, call_id = asterisk.audiosocket(2)
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    Call(gateway.audio_port, call=call_id).join(60)
    assert eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)
    assert eventually(lambda: ami(gateway)["legs"] == 0)
    [news] = [data for _, name, data in first(gateway) if name == "ended"]
    assert channel.variables["VERAVOX_STATUS"] == news["status"]
    assert channel.variables["VERAVOX_CAUSE"] == news["cause"]
    assert channel.variables["VERAVOX_SCORE"] == f"{news['score']:.2f}"
    assert channel.variables["VERAVOX_SPEECH_MS"] == str(news["speech_ms"])
    # From the beginning, and each time the status last.
    names = [name for _, name, _ in channel.history]
    assert names == NAMES * (len(names) // 4) and len(names) >= 8
    assert [value for _, _, value in channel.history[:4]] == ["too_little_speech", "", "0", "NOTSURE"]
    assert other.variables == {}
    assert ami(gateway)["told"] == len(names) // 4
    # Nothing but what `call` may, and the caller's number nowhere.
    assert {action["action"] for action in asterisk.actions} <= {"Challenge", "Login", "Setvar", "Status", "Ping"}
    assert "5550100" not in gateway.log.read_text()


def first(gateway):
    found = []
    for event in gateway.events("/v1/events?kept=true"):
        found.append(event)
        if event[1] == "ended":
            return found
    raise AssertionError("the stream ended")


def test_a_channel_is_found_by_variable_by_name_and_its_call_is_told(gateway, asterisk, tmp_path):
    caller = Channel(1, "Stasis", "app")
    by_variable, _ = asterisk.audiosocket(2, variables={})
    uuids = [uuid.uuid4() for _ in range(3)]
    by_variable.application, by_variable.data = "Stasis", "app"
    by_variable.variables["VERAVOX_UUID"] = str(uuids[0]).upper()
    by_name = Channel(3, linked=caller.unique, name=f"AudioSocket/127.0.0.1:9092-{uuids[1]}")
    # A second channel listens for a first that has the dialplan.
    watched, ears = Channel(4, "Dial", "PJSIP/agent"), Channel(5)
    watched.variables["VERAVOX_UUID"] = str(uuids[2])
    ears.application, ears.data = "AudioSocket", f"{uuids[2]},127.0.0.1:9092"
    asterisk.channels += [caller, by_name, ears, watched]
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    for call_id in uuids:
        Call(gateway.audio_port, call=call_id, seconds=1)
    assert eventually(lambda: all(channel.variables.get("VERAVOX_STATUS") for channel in (by_variable, by_name, caller, ears, watched)))


def test_an_unknown_uuid_is_looked_for_a_while_and_given_up(gateway, asterisk, tmp_path):
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    late = Call(gateway.audio_port, seconds=40, speed=2)
    time.sleep(0.7)
    channel, _ = asterisk.audiosocket(1, call=late.uuid)
    assert eventually(lambda: channel.variables.get("VERAVOX_STATUS")), "it came late"
    late.hang_up()
    never = Call(gateway.audio_port, seconds=60, speed=2)
    assert eventually(lambda: ami(gateway)["not_found"] == 1, 15)
    never.hang_up()
    assert eventually(lambda: ami(gateway)["legs"] == 0)


def test_asterisk_may_restart(gateway, asterisk, tmp_path):
    channel, call_id = asterisk.audiosocket(1)
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    call = Call(gateway.audio_port, call=call_id, seconds=40, speed=2)
    assert eventually(lambda: channel.variables.get("VERAVOX_STATUS"))
    asterisk.stop()
    assert eventually(lambda: not ami(gateway)["connected"])
    channel.variables.clear()
    time.sleep(1.5)
    asterisk.start(asterisk.port)
    assert eventually(lambda: channel.variables.get("VERAVOX_STATUS") and channel.variables["VERAVOX_SPEECH_MS"] != "0", 30)
    assert ami(gateway)["connections"] == 2
    call.hang_up()


def test_an_asterisk_that_hangs_holds_nothing_up(gateway, asterisk, tmp_path):
    channel, call_id = asterisk.audiosocket(1)
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    assert eventually(lambda: ami(gateway)["connected"])
    asterisk.answers = False
    Call(gateway.audio_port, call=call_id, seconds=4).join(30)
    assert eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1), "calls go on"
    assert eventually(lambda: not ami(gateway)["connected"], 15)
    asterisk.answers = True
    assert eventually(lambda: channel.variables.get("VERAVOX_SPEECH_MS", "0") != "0", 30), "the last verdict comes late, and comes"


def test_a_user_without_rights_and_a_wrong_secret_are_told(gateway, asterisk, tmp_path):
    asterisk.write = {"reporting"}
    _, call_id = asterisk.audiosocket(1)
    one = gateway("rights", ami=settings(tmp_path, asterisk.port))
    Call(one.audio_port, call=call_id, seconds=1)
    assert eventually(lambda: ami(one)["refused"] == 1)
    assert "write = call" in one.log.read_text()
    two = gateway("secret", ami=settings(tmp_path, asterisk.port, secret="wr0ng-s3cret"))
    assert eventually(lambda: "Authentication failed" in two.log.read_text())
    assert "wr0ng-s3cret" not in two.log.read_text()
    time.sleep(2)
    logins = [action for action in asterisk.actions if action["action"] == "Login"]
    assert len(logins) == 2, "a login that failed is not tried again at once"


def test_a_channel_that_is_gone_is_no_fault(gateway, asterisk, tmp_path):
    channel, call_id = asterisk.audiosocket(1)
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    call = Call(gateway.audio_port, call=call_id)
    assert eventually(lambda: channel.variables.get("VERAVOX_SPEECH_MS", "0") != "0")
    asterisk.channels.clear()
    call.join(60)
    assert eventually(lambda: ami(gateway)["gone"] == 1 and ami(gateway)["legs"] == 0)
    assert ami(gateway)["refused"] == 0


def test_hundreds_of_calls_at_once(gateway, asterisk, tmp_path):
    made = [asterisk.audiosocket(n) for n in range(1, 201)]
    gateway = gateway(ami=settings(tmp_path, asterisk.port))
    calls = [Call(gateway.audio_port, call=call_id, seconds=4, speed=1) for _, call_id in made]
    assert eventually(lambda: all(channel.variables.get("VERAVOX_STATUS") for channel, _ in made), 30)
    for call in calls:
        call.join(60)
    assert eventually(lambda: ami(gateway)["legs"] == 0)
    assert all(channel.variables["VERAVOX_SPEECH_MS"] != "0" for channel, _ in made)
    statuses = sum(action["action"] == "Status" for action in asterisk.actions)
    assert statuses <= 60, f"channels are listed for many calls together, not {statuses} times for {len(made)}"
