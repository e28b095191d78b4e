#!/usr/bin/env bash
# Lays out what the targets start from, out of testdata: fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p corpus/{capture,wav,container,telephony,packets,manifest,stream,gateway}
small() { find ../testdata/formats ../testdata/bad ../testdata/crashes -type f -size -64k "$@"; }
small '(' -name '*.wav' -o -name '*.rf64' ')' -exec cp -t corpus/wav/ {} +
small -exec cp -t corpus/container/ {} +
# As of `telephony`, the first byte of `capture` says what follows.
for file in ../testdata/captures/*.pcap; do { printf '\x00'; tail -c +5 "$file"; } >"corpus/capture/$(basename "$file")"; done
for file in ../testdata/captures/*.pcapng; do { printf '\x50'; tail -c +5 "$file"; } >"corpus/capture/$(basename "$file")"; done
{
    printf '\x81\x20\x41m=audio 9002 RTP/AVP 96 97 98\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap'
    for n in 0 1 2 3 4 5 6 7 8 9 10 11; do printf "\\x$(printf %x $((64 + n)))\x21AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHI"; done
} >corpus/capture/packets
for file in ../testdata/manifests/*/manifest.json; do cp "$file" "corpus/manifest/$(basename "$(dirname "$file")").json"; done
for model in phone wide; do cp "../models/$model/manifest.json" "corpus/manifest/$model.json"; done
# The first byte of `telephony` says what follows; magic words are put in front by the target.
lead() { { printf '%b' "$1"; tail -c "+$(($3 + 1))" "$2"; } >"corpus/telephony/$4"; }
for file in ../testdata/formats/*.amr; do lead '\x00' "$file" 6 "$(basename "$file")"; done
for file in ../testdata/formats/*.awb; do lead '\x40' "$file" 9 "$(basename "$file")"; done
for file in ../testdata/formats/*.au; do lead '\x80' "$file" 4 "$(basename "$file")"; done
for file in ../testdata/formats/*.w64; do lead '\x90' "$file" 16 "$(basename "$file")"; done
n=160
for name in s16le f32le al ulaw gsm g722 g729 g726_16 g726_24 g726_32 g726_40 aal2_16 aal2_24 aal2_32 aal2_40 vox; do
    for file in ../testdata/formats/clip."$name" ../testdata/formats/clip."$name".g726 ../testdata/formats/clip.8000hz."$name".raw; do
        if [ -f "$file" ]; then lead "\\x$(printf %x $n)" "$file" 0 "$(basename "$file")"; fi
    done
    n=$((n + 1))
done
printf '\x00\x08\x78\x01\x02\x03\x04\x05\x06\x07\x03\xfc\xff\xfe\x05\x4b\x03\x10\x20\x30' >corpus/packets/modes
printf '\x00\x40abcdefg\x03\x40\x00\x00\x80?aaa\x04\x20\x07\x02\x06\x01' >corpus/stream/orders
# Of `gateway` the first byte says the protocol; a message is a byte for text, two for its length, and itself.
say() { printf '\x01'"\\x$(printf %02x $((${#1} / 256)))\\x$(printf %02x $((${#1} % 256)))"; printf '%s' "$1"; }
{ printf '\x00\x00\x00\x13\x01\x00\x10aaaabbbbccccdddd\x00\x00\x07\x10\x00\x04\x01\x02\x03\x04\x00\x00\x03\x00\x00\x00'; } >corpus/gateway/audiosocket
{ printf '\x01'; say '{"event":"MEDIA_START","connection_id":"a","channel":"b","format":"ulaw","optimal_frame_size":160,"ptime":20}'; printf '\x00\x00\x04\x7f\xff\x80\x00'; } >corpus/gateway/asterisk
{ printf '\x02'; say '{"callId":"a","sampleRate":8000,"mixType":"stereo"}'; printf '\x00\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08'; } >corpus/gateway/fork
{ printf '\x03'; say '{"event":"connected","protocol":"Call","version":"1.0.0"}'; say '{"event":"start","streamSid":"MZ1","start":{"tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'; say '{"event":"media","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"f39/fw=="}}'; say '{"event":"stop"}'; } >corpus/gateway/twilio
{ printf '\x04'; say '{"version":"2","type":"open","seq":1,"serverseq":0,"id":"a","position":"PT0S","parameters":{"media":[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}]}}'; printf '\x00\x00\x04\x7f\xff\x80\x00'; say '{"version":"2","type":"close","seq":2,"serverseq":1,"id":"a","position":"PT1S","parameters":{"reason":"end"}}'; } >corpus/gateway/audiohook
{ printf '\x05\x00\x00\x10\x80\x00\x00\x01\x00\x00\x00\xa0\x11\x22\x33\x44\x7f\xff\x80\x00\x00\x00\x10\x80\x00\x00\x03\x00\x00\x01\x40\x11\x22\x33\x44\x7f\xff\x80\x00'; } >corpus/gateway/rtp
