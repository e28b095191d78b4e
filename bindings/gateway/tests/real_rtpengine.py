"""sipp and baresip play G.711 through Kamailio and rtpengine, as examples/kamailio has them, and rtpengine copies the callers to a gateway.

    python bindings/gateway/tests/real_rtpengine.py

Needs Debian's kamailio, rtpengine-daemon, sip-tester, baresip-core and sox. All of it on the loopback, by the ports of the example.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).parents[3]
GATEWAY = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/veravox-gateway"
sys.path.insert(0, str(ROOT / "examples/kamailio"))
import watch  # noqa: E402
HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:caller@[local_ip]:[local_port]>;tag=[call_number]a
Call-ID: [call_id]
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70"""
SDP = """
v=0
o=user1 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
CALLER = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="caller"><send retrans="500"><![CDATA[
INVITE sip:agent@[remote_ip]:[remote_port] SIP/2.0
{HEAD}
CSeq: 1 INVITE
To: <sip:agent@[remote_ip]:[remote_port]>
Content-Type: application/sdp
Content-Length: [len]
{SDP.format(port="[rtpstream_audio_port]")}]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
{HEAD}
[routes]
CSeq: 1 ACK
To: <sip:agent@[remote_ip]:[remote_port]>[peer_tag_param]
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="@AUDIO@,1,0,PCMU/8000"/></action></nop>
<pause milliseconds="12000"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
{HEAD}
[routes]
CSeq: 2 BYE
To: <sip:agent@[remote_ip]:[remote_port]>[peer_tag_param]
Content-Length: 0

]]></send>
<recv response="200"/></scenario>
"""
# sipp's own `uas` answers without the proxy's route: a telephone then goes past it, and the answered call is never seen there.
CALLEE = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="callee"><recv request="INVITE"/>
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]b
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]
{SDP.format(port="[media_port]")}]]></send>
<recv request="ACK"/><recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send></scenario>
"""
# A telephone whose microphone is a file, and whose loudspeaker is none.
BARESIP = """sip_listen 127.0.0.1:5072
net_interface 127.0.0.1
rtp_ports 33000-33100
audio_source aufile,@AUDIO@
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path @MODULES@
module account.so
module g711.so
module aufile.so
module aubridge.so
module_app menu.so
"""
BARESIP_MODULES = next(pathlib.Path("/usr/lib").glob("**/baresip/modules"), None)


def metric(name):
    text = urllib.request.urlopen("http://127.0.0.1:8088/metrics").read().decode()
    return sum(float(value) for value in re.findall(rf"(?m)^veravox_{name}(?:_total)?(?:{{[^}}]*}})? ([\d.e+-]+)$", text))


def check(holds, what):
    print("ok    " if holds else "FAILED", what, flush=True)
    if not holds:
        sys.exit(1)


def run(made, started):
    def start(*command):
        with (made / f"{pathlib.Path(command[0]).name}.log").open("w") as log:
            process = started.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
        started.callback(process.terminate)

    config = made / "gateway.toml"
    config.write_text("[limits]\nidle_seconds = 3.0\n")
    start(GATEWAY, "--config", config)
    start("rtpengine", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:2223", "--table=-1", "--foreground", "--log-stderr", "--port-min=30000", "--port-max=31000")
    for _ in range(100):
        with contextlib.suppress(OSError, SystemExit):
            watch.ask("127.0.0.1:2223", {"command": "ping"})
            break
        time.sleep(0.1)
    start("/usr/sbin/kamailio", "-f", ROOT / "examples/kamailio/kamailio.cfg", "-w", ROOT, "-DD", "-E", "-m", "32", "-Y", made)
    callee = made / "callee.xml"
    callee.write_text(CALLEE)
    start("sipp", "-sf", callee, "-i", "127.0.0.1", "-p", "5070", "-mi", "127.0.0.1", "-nostdin", "127.0.0.1:5060")
    audio, scenario = made / "voice.ul", made / "caller.xml"
    clip = ROOT / "testdata/calls/03-bank-card.alaw.wav"
    subprocess.run(["sox", clip, "-t", "raw", "-r", "8000", "-e", "mu-law", audio], check=True)
    scenario.write_text(CALLER.replace("@AUDIO@", str(audio)))
    phone = made / "baresip"
    phone.mkdir()
    subprocess.run(["sox", clip, "-r", "8000", "-b", "16", "-e", "signed-integer", phone / "voice.wav"], check=True)
    (phone / "config").write_text(BARESIP.replace("@AUDIO@", str(phone / "voice.wav")).replace("@MODULES@", str(BARESIP_MODULES)))
    (phone / "accounts").write_text("<sip:person@127.0.0.1:5072>;regint=0\n")
    time.sleep(3)
    # It hangs up when its time is over.
    calling = ["baresip", "-4", "-f", phone, "-t", "12", "-e", "/dial sip:agent@127.0.0.1:5060"]
    calling = started.enter_context(subprocess.Popen(calling, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    started.callback(calling.terminate)
    caller = ["sipp", "127.0.0.1:5060", "-sf", scenario, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", "5071", "-mp", "32000", "-nostdin"]
    done = subprocess.run([*caller, "-m", "5", "-r", "2"], cwd=made, capture_output=True, text=True, timeout=90)
    check(done.returncode == 0, f"five calls by sipp, through Kamailio and rtpengine, are carried to their end {done.stderr[-300:]}")
    said = calling.communicate(timeout=30)[0].decode(errors="replace")
    check("Call established" in said, f"one by baresip too {'' if 'Call established' in said else said[-600:]}")
    for _ in range(100):
        if metric("legs_ended") >= 6:
            break
        time.sleep(0.1)
    check(metric('legs_opened') == 6, f"six copies came to the gateway ({metric('legs_opened'):.0f})")
    n_found = float(re.search(r'legs_ended_total\{status="SYNTHETIC"\} ([\d.]+)', urllib.request.urlopen("http://127.0.0.1:8088/metrics").read().decode())[1])
    check(n_found == 6, f"all six are SYNTHETIC ({n_found:.0f})")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            run(pathlib.Path(folder), stack)
        except SystemExit:
            for log in pathlib.Path(folder).glob("*.log"):
                print(f"--- {log.name}", log.read_text()[-1500:], sep="\n")
            raise
