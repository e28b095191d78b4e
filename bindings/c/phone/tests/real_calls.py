"""Real calls through a real Asterisk with the module in it: sipp brings G.711 media over SIP and RTP, all on the loopback.

    make -C bindings/c/phone real-calls ASTERISK_SRC=<configured tree> ASTERISK=<where that was installed, with chan_sip>

Needs Debian's sip-tester. Not part of the project's own tests, for Asterisk is not in Debian: `tests/test_asterisk.c` is.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave

ROOT = pathlib.Path(__file__).parents[4]
ASTERISK, MODULE, LIBRARY = map(pathlib.Path, sys.argv[1:4])
SIP, AMI = 5170, 5138

CONFIG = {
    "asterisk.conf": """[directories]
astetcdir => {etc}
astmoddir => {modules}
astvarlibdir => {var}
astdbdir => {var}
astkeydir => {var}
astdatadir => {var}
astrundir => {var}
astlogdir => {var}
astspooldir => {var}
[options]
quiet = yes
""",
    "modules.conf": "[modules]\nautoload=no\n"
    + "".join(
        f"load={name}.so\n"
        for name in "pbx_config res_crypto res_http_websocket chan_sip res_rtp_asterisk codec_ulaw codec_alaw codec_resample app_dial "
        "app_echo app_verbose app_userevent bridge_simple func_channel func_logic res_timing_timerfd app_veravox".split()
    ),
    "sip.conf": f"[general]\ncontext=calls\nbindaddr=127.0.0.1\nbindport={SIP}\nallowguest=yes\ndisallow=all\nallow=ulaw\ndirectmedia=no\n",
    "manager.conf": f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nport={AMI}\n[test]\nsecret=test\nread=all\nwrite=all\n",
    "rtp.conf": "[general]\nrtpstart=21000\nrtpend=23000\n",
    "logger.conf": "[general]\n[logfiles]\nsaid => notice,warning,error\n",
    "extensions.conf": """[calls]
exten => watch,1,Answer()
 same => n,Veravox(w(12))
 same => n,GotoIf($["${{VERAVOX_STATUS}}" = "SYNTHETIC"]?machine)
 same => n,Log(NOTICE,SAID watch ${{VERAVOX_STATUS}} ${{VERAVOX_CAUSE}})
 same => n,Wait(20)
 same => n(machine),Log(NOTICE,SAID watch machine ${{VERAVOX_SCORE}} ${{VERAVOX_SPEECH_MS}} ${{VERAVOX(stage)}})
 same => n,Wait(20)
exten => bridge,1,Veravox()
 same => n,Dial(Local/echo@calls)
exten => echo,1,Answer()
 same => n,Echo()
exten => h,1,Log(NOTICE,SAID end ${{VERAVOX_STATUS}} ${{VERAVOX_CAUSE}})
""",
}

SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="call"><send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{head}
CSeq: 1 INVITE
To: <sip:[service]@[remote_ip]:[remote_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=user1 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="183" optional="true"/><recv response="200"/>
<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{head}
CSeq: 1 ACK
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="{audio},1,0,PCMU/8000"/></action></nop>
<pause milliseconds="{pause_ms}"/>
<send retrans="500"><![CDATA[
BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
{head}
CSeq: 2 BYE
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Content-Length: 0

]]></send><recv response="200"/></scenario>
"""
HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]call[call_number]
Call-ID: [call_id]
Contact: sip:sipp@[local_ip]:[local_port]
Max-Forwards: 70"""


def mulaw(samples):
    """G.711 mu-law codes of 16-bit samples."""
    codes = bytearray()
    for sample in samples:
        sign, value = (0x80, min(-sample, 32635)) if sample < 0 else (0, min(sample, 32635))
        value += 132
        exponent = value.bit_length() - 8
        codes.append(~(sign | exponent << 4 | value >> exponent + 3 & 15) & 0xFF)
    return bytes(codes)


class Switch:
    """An Asterisk on the loopback, with nothing of its own outside `folder`."""

    def __init__(self, folder):
        self.folder, self.etc, var = folder, folder / "etc", folder / "var"
        modules = folder / "modules"
        for made in (self.etc, var):
            made.mkdir()
        shutil.copytree(ASTERISK / "lib/asterisk/modules", modules)
        shutil.copy(MODULE, modules)
        for name, text in CONFIG.items():
            (self.etc / name).write_text(text.format(etc=self.etc, modules=modules, var=var))
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{LIBRARY}:{ASTERISK / 'lib'}"}
        environment.pop("ORT_DYLIB_PATH", None)
        with contextlib.closing(socket.create_server(("127.0.0.1", AMI))):
            pass  # nobody else is there
        command = [ASTERISK / "sbin/asterisk", "-f", "-C", self.etc / "asterisk.conf"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.log = var / "said"
        for _ in range(200):
            if "Fully Booted" in self.cli("core waitfullybooted") or "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.1)
        raise SystemExit("Asterisk does not come up")

    def cli(self, words):
        command = [ASTERISK / "sbin/asterisk", "-C", self.etc / "asterisk.conf", "-rx", words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def said(self):
        return re.findall(r"SAID (.*)", self.log.read_text(errors="replace"))

    def call(self, extension, audio, pause_ms, calls=1, rate=50, port=5180):
        """Starts calls; the process ends when they have."""
        scenario = self.folder / f"{port}.xml"
        scenario.write_text(SCENARIO.format(head=HEAD, audio=audio, pause_ms=pause_ms))
        command = ["sipp", f"127.0.0.1:{SIP}", "-sf", scenario, "-s", extension, "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
        command += ["-m", str(calls), "-l", str(calls), "-r", str(rate), "-timeout", "100s"]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def has_no_calls(self):
        for _ in range(50):
            if "0 active calls" in self.cli("core show channels count") and " 0 channels watched" in self.cli("veravox show status"):
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def check(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    print(f"ok: {what}", flush=True)


def user_events(seconds):
    """What AMI says meanwhile of the module."""
    heard = b""
    with socket.create_connection(("127.0.0.1", AMI)) as manager:
        manager.sendall(b"Action: Login\r\nUsername: test\r\nSecret: test\r\n\r\n")
        manager.settimeout(0.5)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                heard += manager.recv(65_536)
    return [event for event in heard.decode().split("\r\n\r\n") if "UserEvent: Veravox" in event]


def machine(folder):
    """A speech engine's voice, as raw G.711."""
    raw = folder / "machine.ul"
    subprocess.run(["sox", ROOT / "testdata/calls/03-bank-card.alaw.wav", "-r", "8000", folder / "s16.wav"], check=True)
    subprocess.run(["sox", folder / "s16.wav", "-e", "signed", "-b", "16", folder / "pcm.wav"], check=True)
    with wave.open(str(folder / "pcm.wav")) as clip:
        bytes_ = clip.readframes(clip.getnframes())
    raw.write_bytes(mulaw(memoryview(bytes_).cast("h")))
    return raw


def tone(folder):
    """No voice at all."""
    raw = folder / "tone.ul"
    subprocess.run(["sox", "-n", "-r", "8000", "-c", "1", "-t", "raw", "-e", "mu-law", raw, "synth", "16", "sine", "440", "gain", "-10"], check=True)
    return raw


def run(folder):
    switch = Switch(folder)
    try:
        try_calls(switch, machine(folder), tone(folder))
        check(switch.stop() == 0, "Asterisk ends as it should")
    finally:
        switch.process.kill()


def try_calls(switch, voice, hum):
    print(switch.cli("core show version").strip())

    calling = switch.call("watch", voice, 9_000)
    events = user_events(10)
    check(calling.wait() == 0, "a call goes as a call without the module goes")
    check(any(re.match(r"watch machine 3\.\d+ \d+ firm", line) for line in switch.said()), "the dialplan sees SYNTHETIC, firm")
    check(len(events) >= 1 and "Status: SYNTHETIC" in events[0], "AMI is told")
    check(switch.call("watch", hum, 13_000).wait() == 0, "a call of tones")
    check(any(line.startswith("watch NOTSURE") for line in switch.said()), "tones are NOTSURE")

    for pause_ms in (0, 1, 5, 10, 20, 40, 80, 150, 300, 600, 1_200):
        check(switch.call("bridge", voice, pause_ms, 20).wait() == 0 and switch.has_no_calls(), f"20 calls hang up after {pause_ms} ms")

    calling, n_before = switch.call("bridge", voice, 12_000, 100), len(switch.said())
    time.sleep(5)
    check("100 channels watched" in switch.cli("veravox show status"), "100 calls at once are watched")
    check("Unable to unload" in switch.cli("module unload app_veravox.so"), "it is not unloaded while calls are watched")
    check("reloaded successfully" in switch.cli("module reload app_veravox.so"), "it is reloaded with calls up")
    check(calling.wait() == 0 and switch.has_no_calls(), "and the 100 calls go on to their end")
    ends = [line for line in switch.said()[n_before:] if line.startswith("end SYNTHETIC")]
    check(len(ends) == 100, f"all of them are SYNTHETIC ({len(ends)})")

    calling, n_before = switch.call("bridge", voice, 6_000, 30), len(switch.said())
    time.sleep(4)
    check("Unloaded" in switch.cli("module unload -f app_veravox.so"), "it is unloaded by force with calls up")
    check(calling.wait() == 0, "and the 30 calls go on to their end")
    check(len([line for line in switch.said()[n_before:] if line == "end ERROR stopped"]) == 30, "whose status says so")
    check("Loaded" in switch.cli("module load app_veravox.so"), "it is loaded again")

    for text, cause in (("[general]\nmodel=/nowhere\n", "model"), ("[general]\nmax_calls=1\n", "overloaded")):
        (switch.etc / "veravox.conf").write_text(text)
        switch.cli("module reload app_veravox.so")
        check(switch.call("bridge", voice, 1_000, 2).wait() == 0, f"calls go on: {cause}")
        check(f"end ERROR {cause}" in switch.said(), f"whose status says so: {cause}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        run(pathlib.Path(made))
