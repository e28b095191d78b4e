"""Watches a call while it goes on: a recording, played at the speed at which it was spoken.

    python examples/python/watch_a_call.py testdata/calls/01-helpdesk-reset.mulaw.wav

A phone system brings the same packets over the network; see fastapi_app beside this.
"""

import argparse
import time

import veravox

arguments = argparse.ArgumentParser(description="Watch a call while it goes on.")
arguments.add_argument("recording")
arguments.add_argument("--speed", type=float, default=1, help="2 is twice as fast as it was spoken")
arguments = arguments.parse_args()

samples, rate = veravox.read_audio(arguments.recording)
streams = [veravox.Stream(rate) for _ in samples]
packet = rate // 50  # 20 ms
started = time.monotonic()
for start in range(0, samples.shape[1], packet):
    spoken = (start + packet) / rate
    time.sleep(max(0, started + spoken / arguments.speed - time.monotonic()))
    for leg, stream in enumerate(streams):
        for event in stream.push(samples[leg, start : start + packet]):
            if isinstance(event, veravox.Verdict):
                print(f"{spoken:6.1f} s  leg {leg}  {event.stage}: {event.decision}, llr {event.llr:+.1f}", flush=True)
for leg, stream in enumerate(streams):
    verdict = stream.finish()
    print(f"at the end  leg {leg}  {verdict.stage}: {verdict.decision} {' '.join(verdict.reasons)}")
