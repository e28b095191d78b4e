"""A real Asterisk, with the dialplan of examples/asterisk, calls a real gateway.

    python bindings/gateway/tests/real_asterisk.py PREFIX

PREFIX is where Asterisk 20.16, 22.6, 23 or later was installed (`./configure --prefix`). It runs with a configuration of its own in a
folder that is removed; nothing listens but on the loopback. Calls come by Local channels that play a clip: no SIP is needed.
Not part of the project's own tests, for Asterisk is not in Debian 12: `tests/it/asterisk.rs` is.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import wave

ROOT = pathlib.Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/asterisk"
GATEWAY = ROOT / "target/release/veravox-gateway"
MODULES = """pbx_config app_playback app_audiosocket res_audiosocket chan_audiosocket chan_websocket res_http_websocket res_websocket_client
app_exec app_verbose app_originate app_chanspy app_dial func_uuid func_channel func_logic func_strings format_wav format_pcm format_sln codec_ulaw
codec_alaw codec_resample res_timing_timerfd bridge_simple bridge_softmix bridge_builtin_features res_clioriginate app_userevent
res_sorcery_config res_sorcery_memory res_crypto""".split()
ASTERISK_CONF = """[directories]
astetcdir => {etc}
astmoddir => {modules}
astvarlibdir => {share}
astdbdir => {var}
astkeydir => {var}
astdatadir => {share}
astrundir => {var}
astlogdir => {var}
astspooldir => {var}
"""
TEST_DIALPLAN = """
[caller]
exten => speaks,1,Answer()
 same => n,Playback({voice})
 same => n,Wait(4)
exten => waits,1,Answer()
 same => n,Wait(6)
[wide]
exten => s,1,Dial(AudioSocket/127.0.0.1:9092/${{UUID()}}/c(slin16))
[law]
exten => s,1,Dial(AudioSocket/127.0.0.1:9092/${{UUID()}}/c(ulaw))
[agent](+)
exten => h,1,Log(NOTICE,SAID agent ${{VERAVOX_STATUS}} ${{VERAVOX_CAUSE}} ${{VERAVOX_SCORE}} ${{VERAVOX_SPEECH_MS}})
[second-look](+)
exten => h,1,Log(NOTICE,SAID second-look ${{VERAVOX_STATUS}} ${{VERAVOX_CAUSE}} ${{VERAVOX_SCORE}} ${{VERAVOX_SPEECH_MS}})
[incoming](+)
exten => h,1,Log(NOTICE,SAID hung-up ${{VERAVOX_STATUS}} ${{VERAVOX_CAUSE}})
"""


def check(holds, what):
    print("ok    " if holds else "FAILED", what, flush=True)
    if not holds:
        sys.exit(1)


class Asterisk:
    def __init__(self, prefix, made):
        self.etc, self.var = made / "etc", made / "var"
        self.etc.mkdir()
        self.var.mkdir()
        self.program = prefix / "sbin/asterisk"
        voice = made / "voice"
        subprocess.run(
            ["sox", ROOT / "testdata/calls/03-bank-card.alaw.wav", "-e", "signed-integer", "-b", "16", f"{voice}.wav"], check=True
        )
        with wave.open(f"{voice}.wav") as clip:
            self.seconds = clip.getnframes() / clip.getframerate()
        directories = dict(etc=self.etc, modules=prefix / "lib/asterisk/modules", share=prefix / "var/lib/asterisk", var=self.var)
        for name, text in {
            "asterisk.conf": ASTERISK_CONF.format(**directories),
            "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in MODULES),
            "logger.conf": "[general]\n[logfiles]\nsaid => notice,warning,error\n",
            "extensions.conf": (EXAMPLE / "extensions.conf").read_text() + TEST_DIALPLAN.format(voice=voice),
            "manager.conf": (EXAMPLE / "manager.conf").read_text(),
            "websocket_client.conf": (EXAMPLE / "websocket_client.conf").read_text(),
            "http.conf": "[general]\nenabled=no\n",
        }.items():
            (self.etc / name).write_text(text)
        self.process = subprocess.Popen(
            [self.program, "-f", "-C", self.etc / "asterisk.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            if "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.2)
        sys.exit("Asterisk did not start:\n" + (self.var / "said").read_text())

    def cli(self, command):
        done = subprocess.run([self.program, "-C", self.etc / "asterisk.conf", "-rx", command], capture_output=True, text=True)
        return done.stdout

    def call(self, number, caller):
        self.cli(f"channel originate Local/{number}@incoming extension {caller}@caller")

    def said(self):
        return re.findall(r"SAID (.*)", (self.var / "said").read_text())

    def next_said(self, n_before, seconds):
        deadline = time.time() + seconds
        while time.time() < deadline:
            if len(self.said()) > n_before:
                return self.said()[n_before]
            time.sleep(0.1)
        return "nothing"

    def stop(self):
        self.cli("core stop now")
        self.process.wait(20)


@contextlib.contextmanager
def gateway(made, more=""):
    (made / "ami-secret").write_text("change-me\n")
    config = made / "gateway.toml"
    config.write_text((EXAMPLE / "gateway.toml").read_text().replace("ami-secret", str(made / "ami-secret")) + more)
    with (made / "gateway.log").open("w") as log:
        process = subprocess.Popen([GATEWAY, "--config", config], stderr=log)
    try:
        for _ in range(200):
            if "ready" in (made / "gateway.log").read_text():
                break
            time.sleep(0.05)
        time.sleep(1)
        yield process
    finally:
        process.terminate()
        check(process.wait(30) == 0, "the gateway ends in order")


def run(prefix, made):
    switch = Asterisk(prefix, made)
    print(switch.cli("core show version").split(" built")[0])
    try:
        with gateway(made) as process:
            began = time.time()
            switch.call(100, "speaks")
            said = switch.next_said(0, 40)
            check(said.startswith("second-look SYNTHETIC"), f"listen first: {said}, after {time.time() - began:.1f} s with 5 s of Wait()")

            n = len(switch.said())
            switch.call(200, "speaks")
            said = switch.next_said(n, 40)
            check(said.startswith("agent SYNTHETIC"), f"listen while the call goes on, by AudioSocket: {said}")

            n = len(switch.said())
            switch.call(300, "speaks")
            said = switch.next_said(n, 40)
            legs = re.findall(r'(?m)^veravox_legs_opened_total\{protocol="asterisk"\} (\d+)', metrics())
            check(said.startswith("agent SYNTHETIC") and legs == ["1"], f"and by a WebSocket: {said}")
            ended = dict(re.findall(r'(?m)^veravox_legs_ended_total\{status="(\w+)"\} (\d+)', metrics()))
            check(ended["SYNTHETIC"] == "3", f"all three are SYNTHETIC: {ended}")

            # The clip is of 8 kHz, which `wide` hears: whatever its verdict, the rate is told.
            for context, rate, cause in (("wide", 16_000, ""), ("law", 8_000, "misread")):
                switch.cli(f"channel originate Local/s@{context} extension speaks@caller")
                time.sleep(7)
                [leg] = legs_now()
                said = f"{leg['sample_rate_hz']} Hz, {leg['status']} {leg['cause']} after {leg['speech_ms']} ms of speech"
                is_so = leg["sample_rate_hz"] == rate and cause in leg["cause"] and leg["status"] != "ERROR"
                check(is_so, f"a channel of AudioSocket's own, {context}: {said}")
                switch.cli("channel request hangup all")
                time.sleep(2)

            n = len(switch.said())
            switch.call(100, "waits")
            said = switch.next_said(n, 40)
            check(said.startswith("hung-up NOTSURE"), f"a caller who says nothing for six seconds is not hung up by it: {said}")

            n, began = len(switch.said()), time.time()
            for _ in range(20):
                switch.call(100, "speaks")
            time.sleep(2)
            process.terminate()
            process.wait(30)
            deadline = time.time() + 60
            while len(switch.said()) < n + 20 and time.time() < deadline:
                time.sleep(0.2)
            fates = switch.said()[n:]
            went_on = [fate for fate in fates if fate.startswith(("agent", "second-look"))]
            check(len(went_on) == 20, f"SIGTERM with 20 calls up: all of them go on in the dialplan ({len(went_on)})")
        n = len(switch.said())
        switch.call(100, "speaks")
        said = switch.next_said(n, 60)
        check(said.startswith("agent "), f"no gateway: the call goes on without a verdict: {said!r}")
        with gateway(made, '\n[scoring]\nmodel = "/nowhere"\n'):
            n = len(switch.said())
            switch.call(100, "speaks")
            said = switch.next_said(n, 60)
            check(said.startswith("agent ERROR model"), f"no model: {said}")
        with gateway(made, "\n[scoring]\nmax_legs = 1\n"):
            n = len(switch.said())
            switch.call(100, "speaks")
            switch.call(100, "speaks")
            said = sorted([switch.next_said(n, 60), switch.next_said(n + 1, 60)])
            check("agent ERROR overloaded" in said[0], f"a call too many: {said[0]}")
        warnings = re.findall(r"(?:WARNING|ERROR)\[.*", (switch.var / "said").read_text())
        print("Asterisk warned of:", *sorted({re.sub(r"\[[^]]*\]|0x\w+|'[^']*'|[0-9a-f-]{36}", "", words) for words in warnings}), sep="\n  ")
    finally:
        switch.stop()


def metrics():
    return urllib.request.urlopen("http://127.0.0.1:8088/metrics").read().decode()


def legs_now():
    return json.loads(urllib.request.urlopen("http://127.0.0.1:8088/v1/legs").read())["legs"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        run(pathlib.Path(sys.argv[1]), pathlib.Path(folder))
