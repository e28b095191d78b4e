#!/usr/bin/env python3
"""Makes `captures/`: calls as packets on a network, for each link layer, codec and mishap that is read.

    python testdata/make_captures.py

The audio is that of `formats/`. G.711 is cut into packets here; the other codecs come by ffmpeg's own RTP, as another program
packs them, AMR by sox in the packing that ffmpeg has not; AMR-WB, G.729 and G.726 are cut out of the files of `formats/`.
Addresses are those for documentation (RFC 5737, RFC 3849), names are invented.
"""

import pathlib
import socket
import struct
import subprocess
import tempfile
import wave

HERE = pathlib.Path(__file__).parent
CAPTURES = HERE / "captures"
CLIP, OTHER = HERE / "formats" / "clip.pcm_s16.wav", HERE / "formats" / "clip.stereo.wav"
ALICE, BOB = ("192.0.2.10", 40_000), ("198.51.100.20", 50_000)
ALICE_6, BOB_6 = ("2001:db8::a", 40_000), ("2001:db8::b", 50_000)
START = 1_700_000_000.0


# ---- what is said ----

def samples(path, channel=0):
    with wave.open(str(path)) as file:
        frames = file.readframes(file.getnframes())
        return struct.unpack(f"<{len(frames) // 2}h", frames)[channel::file.getnchannels()]


def coded(values, codec):
    raw = struct.pack(f"<{len(values)}h", *values)
    command = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-", "-f", codec, "-"]
    return subprocess.run(command, input=raw, capture_output=True, check=True).stdout


# ---- RTP ----

def rtp(payload_type, sequence, timestamp, ssrc, payload, marker=False):
    second = payload_type | (0x80 if marker else 0)
    return struct.pack(">BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def g711(data, payload_type, ssrc, sequence=1_000, timestamp=0, at=0.0):
    """[(seconds, packet)] of 20 ms each."""
    pieces = [data[k:k + 160] for k in range(0, len(data), 160)]
    return [(at + 0.02 * k, rtp(payload_type, sequence + k, timestamp + 160 * k, ssrc, piece, k == 0)) for k, piece in enumerate(pieces)]


def by_ffmpeg(arguments, source=CLIP):
    """([(seconds, packet)], SDP) of ffmpeg's RTP muxer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener, tempfile.TemporaryDirectory() as folder:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        # RTP has even ports.
        port = next(port for port in range(40_000, 60_000, 2) if bind(listener, port))
        listener.settimeout(1.0)
        sdp = pathlib.Path(folder) / "sdp"
        subprocess.run(["ffmpeg", "-v", "error", "-fflags", "+bitexact", "-i", str(source), *arguments, "-fflags", "+bitexact", "-ssrc", "287454020",
                        "-f", "rtp", "-seq", "1", "-sdp_file", str(sdp), f"rtp://127.0.0.1:{port}?pkt_size=1200"], check=True)
        packets = []
        while True:
            try:
                packets.append(listener.recv(2_048))
            except TimeoutError:
                break
        text = sdp.read_text()
    clock = 48_000 if "opus" in text else 16_000 if "AMR-WB" in text else 8_000
    first = struct.unpack(">I", packets[0][4:8])[0]
    timed = [((struct.unpack(">I", p[4:8])[0] - first) % 2 ** 32 / clock, p) for p in packets]
    return timed, text


def bind(listener, port):
    try:
        listener.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False


# ---- SIP ----

def sdp(endpoint, lines):
    family = "IP6" if ":" in endpoint[0] else "IP4"
    return "\r\n".join(["v=0", f"o=- 1 1 IN {family} {endpoint[0]}", "s=-", f"c=IN {family} {endpoint[0]}", "t=0 0", *lines, ""])


def sip(first, body):
    head = [first, "Via: SIP/2.0/UDP pbx.example.org", "From: <sip:anna@example.org>;tag=1", "To: <sip:otto@example.org>",
            "Call-ID: 1@example.org", "CSeq: 1 INVITE", "Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(head).encode()


def offer_and_answer(port_a, port_b, lines, a=ALICE, b=BOB):
    of = lambda port: [line.replace("PORT", str(port)) for line in lines]  # noqa: E731
    return [(-0.5, "a", sip("INVITE sip:otto@example.org SIP/2.0", sdp((a[0], port_a), of(port_a)))),
            (-0.1, "b", sip("SIP/2.0 200 OK", sdp((b[0], port_b), of(port_b))))]


# ---- IP and links ----

def udp(source, target, payload):
    return struct.pack(">HHHH", source[1], target[1], 8 + len(payload), 0) + payload


def ipv4(source, target, payload, fragment=0, more=False, identification=1):
    flags = (0x2000 if more else 0) | fragment // 8
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, flags, 64, 17, 0,
                       socket.inet_aton(source[0]), socket.inet_aton(target[0]))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + head[12:] + payload


def ipv6(source, target, payload, fragment=None, more=False, identification=1):
    addresses = socket.inet_pton(socket.AF_INET6, source[0]) + socket.inet_pton(socket.AF_INET6, target[0])
    if fragment is None:
        return struct.pack(">IHBB", 0x60000000, len(payload), 17, 64) + addresses + payload
    head = struct.pack(">BBHI", 17, 0, fragment | int(more), identification)
    return struct.pack(">IHBB", 0x60000000, 8 + len(payload), 44, 64) + addresses + head + payload


def packets_of(source, target, payload, size=None, identification=1):
    """The IP packets of a datagram, in fragments of `size` bytes where one is given."""
    datagram, make = udp(source, target, payload), ipv6 if ":" in source[0] else ipv4
    if size is None or len(datagram) <= size:
        return [make(source, target, datagram)]
    starts = range(0, len(datagram), size)
    return [make(source, target, datagram[k:k + size], k, k + size < len(datagram), identification) for k in starts]


def kind_of(packet):
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


LINKS = {
    "ethernet": (1, lambda p: b"\x02" + bytes(10) + b"\x01" + struct.pack(">H", kind_of(p)) + p),
    "vlan": (1, lambda p: b"\x02" + bytes(10) + b"\x01" + struct.pack(">HHH", 0x8100, 42, kind_of(p)) + p),
    "raw": (101, lambda p: p),
    "cooked": (113, lambda p: struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind_of(p)) + p),
    "cooked2": (276, lambda p: struct.pack(">HHIHBB8s", kind_of(p), 0, 1, 1, 0, 6, bytes(8)) + p),
}


# ---- files ----

def pcap(link, packets, nanoseconds=False, big_endian=False):
    order, unit = (">" if big_endian else "<"), (1e9 if nanoseconds else 1e6)
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link)
    for seconds, data in packets:
        whole = int(seconds)
        out += struct.pack(order + "IIII", whole, int((seconds - whole) * unit), len(data), len(data)) + data
    return out


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(link, packets):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", link, 0, 262_144))
    for seconds, data in packets:
        ticks = int(seconds * 1e6)
        out += block(6, struct.pack("<IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data)
    return out


def write(name, link, sent, a=ALICE, b=BOB, signalling=(), size=None, **form):
    """`sent`: {side: [(seconds, packet)]}, sides "a" and "b"; a pcap or pcapng by its name."""
    number, carry = LINKS[link]
    ends = {"a": (a, b), "b": (b, a)}
    events = [(at, side, (ends[side][0][0], 5_060), (ends[side][1][0], 5_060), payload) for at, side, payload in signalling]
    events += [(at, side, *ends[side], payload) for side, packets in sent.items() for at, payload in packets]
    frames = []
    for k, (at, _, source, target, payload) in enumerate(sorted(events, key=lambda event: event[0])):
        frames += [(START + at, carry(p)) for p in packets_of(source, target, payload, size, k + 1)]
    data = pcapng(number, frames) if name.endswith("ng") else pcap(number, frames, **form)
    (CAPTURES / name).write_bytes(data)


def main():
    CAPTURES.mkdir(exist_ok=True)
    mulaw, alaw = coded(samples(CLIP), "mulaw"), coded(samples(OTHER, 1), "alaw")
    lines = ["m=audio PORT RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"]
    signalling = offer_and_answer(ALICE[1], BOB[1], lines)
    call = {"a": g711(mulaw, 0, 0x1A2B3C4D), "b": g711(alaw, 8, 0x5E6F7081, sequence=65_500, timestamp=2 ** 32 - 800, at=0.3)}
    write("g711.ethernet.pcap", "ethernet", call, signalling=signalling)
    write("g711.vlan.big-endian.nanoseconds.pcap", "vlan", call, signalling=signalling, nanoseconds=True, big_endian=True)
    write("g711.raw.pcap", "raw", call)
    write("g711.cooked.pcapng", "cooked", call, signalling=signalling)
    write("g711.cooked2.ipv6.fragments.pcapng", "cooked2", call, ALICE_6, BOB_6,
          offer_and_answer(ALICE[1], BOB[1], lines, ALICE_6, BOB_6), size=120)
    write("g711.fragments.pcap", "ethernet", call, signalling=signalling, size=96)
    # Keys and a pause without packets; every tenth packet lost; two swapped; one twice.
    said = call["a"]
    keys = [(0.6 + 0.02 * k, rtp(101, 1_030 + k, 4_800, 0x1A2B3C4D, struct.pack(">BBH", 5, 0x8A if k > 3 else 0x0A, 160 * (k + 1)), k == 0))
            for k in range(6)]
    noise = [(0.72, rtp(13, 1_036, 160 * 36, 0x1A2B3C4D, b"\x40"))]
    later = [(at + 0.5, rtp(0, 1_037 + k - 30, 160 * (k + 25), 0x1A2B3C4D, packet[12:])) for k, (at, packet) in enumerate(said) if k >= 30]
    mishaps = said[:30] + keys + noise + [p for k, p in enumerate(later) if k not in (10, 11, 25)]
    mishaps[12], mishaps[13] = (mishaps[12][0], mishaps[13][1]), (mishaps[13][0], mishaps[12][1])
    mishaps.insert(20, mishaps[19])
    write("g711.mishaps.pcap", "ethernet", {"a": mishaps}, signalling=signalling)
    # What ffmpeg sends.
    for name, arguments in {"g722": ["-ar", "16000", "-c:a", "g722"], "opus": ["-ar", "48000", "-c:a", "libopus", "-b:a", "24k", "-application", "voip"]}.items():
        packets, text = by_ffmpeg(arguments)
        media = text[text.index("m=audio"):].strip().replace("\r", "").split("\n")
        media[0] = " ".join(["m=audio", "PORT", *media[0].split()[2:]])
        write(f"{name}.ethernet.pcap", "ethernet", {"a": packets}, signalling=offer_and_answer(ALICE[1], BOB[1], media))
        if name == "opus":
            write("opus.unannounced.pcap", "ethernet", {"a": packets})
    frames = [gsm[k:k + 33] for gsm in [coded(samples(CLIP), "gsm")] for k in range(0, len(gsm), 33)]
    write("gsm.ethernet.pcap", "ethernet", {"a": [(0.02 * k, rtp(3, k, 160 * k, 0x0A0B0C0D, frame)) for k, frame in enumerate(frames)]})
    with tempfile.TemporaryDirectory() as folder:
        coded_file = pathlib.Path(folder) / "clip.amr-nb"
        subprocess.run(["sox", "-D", str(CLIP), "-C", "7", str(coded_file)], check=True)
        amr("amr", "AMR/8000/1", coded_file.read_bytes(), per_packet=1)
    from_files()


def from_files():
    """What another program coded into the files of `formats/`, in packets."""
    # Two frames in each packet, as telephones do where packets are dear.
    amr("amr-wb", "AMR-WB/16000/1", (HERE / "formats" / "clip.amr_wb_2.awb").read_bytes(), per_packet=2)
    for name, file, payload_type, size, media in (
        ("g729", "clip.g729", 18, 20, ["m=audio PORT RTP/AVP 18"]),
        # Reserved by RFC 3551; it was G.721, which is G.726 at 32 kbit/s, and telephones still send it.
        ("g726", "clip.g726_32.g726", 2, 80, ["m=audio PORT RTP/AVP 2"]),
        ("g726-aal2", "clip.aal2_32.g726", 99, 80, ["m=audio PORT RTP/AVP 99", "a=rtpmap:99 AAL2-G726-32/8000"]),
    ):
        data = (HERE / "formats" / file).read_bytes()
        packets = [(0.02 * k, rtp(payload_type, k, 160 * k, 0x05060708, data[at:at + size])) for k, at in enumerate(range(0, len(data), size))]
        write(f"{name}.ethernet.pcap", "ethernet", {"a": packets}, signalling=offer_and_answer(ALICE[1], BOB[1], media))


def amr(name, encoding, data, per_packet):
    """A file of AMR in both packings of RFC 4867."""
    frames, rate = list(amr_frames(data)), int(encoding.split("/")[1])
    groups = [frames[k:k + per_packet] for k in range(0, len(frames), per_packet)]
    for how, pack, more in (("aligned", aligned, ["a=fmtp:97 octet-align=1"]), ("packed", packed, [])):
        packets = [(0.02 * per_packet * k, rtp(97, k, rate // 50 * per_packet * k, 0x01020304, pack(group, is_wide(data))))
                   for k, group in enumerate(groups)]
        media = ["m=audio PORT RTP/AVP 97", f"a=rtpmap:97 {encoding}", *more]
        write(f"{name}.{how}.pcap", "ethernet", {"a": packets}, signalling=offer_and_answer(ALICE[1], BOB[1], media))


def is_wide(data):
    return data.startswith(b"#!AMR-WB")


def amr_frames(data):
    narrow, wide = [12, 13, 15, 17, 19, 20, 26, 31, 5], [17, 23, 32, 36, 40, 46, 50, 58, 60, 5]
    sizes, at = wide if is_wide(data) else narrow, data.index(b"\n") + 1
    while at < len(data):
        size = 1 + sizes[data[at] >> 3 & 15]
        yield data[at:at + size]
        at += size


def aligned(frames, _):
    """Whole bytes (RFC 4867, section 4.4): no request of a mode, the heads, the frames."""
    heads = [frame[0] & 0x7C | (0x80 if k + 1 < len(frames) else 0) for k, frame in enumerate(frames)]
    return bytes([0xF0, *heads]) + b"".join(frame[1:] for frame in frames)


def packed(frames, wide):
    """Without room (RFC 4867, section 4.3)."""
    counts = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40] if wide else [95, 103, 118, 134, 148, 159, 204, 244, 39]
    kinds = [frame[0] >> 3 & 15 for frame in frames]
    heads = [f"{int(k + 1 < len(frames))}{kind:04b}1" for k, kind in enumerate(kinds)]
    speech = ["".join(f"{byte:08b}" for byte in frame[1:])[:counts[kind]] for frame, kind in zip(frames, kinds)]
    text = "".join(["1111", *heads, *speech])
    text += "0" * (-len(text) % 8)
    return bytes(int(text[k:k + 8], 2) for k in range(0, len(text), 8))


if __name__ == "__main__":
    main()
