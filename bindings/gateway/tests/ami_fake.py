"""The manager interface of an Asterisk, as main/manager.c of Asterisk 22 speaks it, to a user that is limited to `call`.

It is strict: lines end with CR LF, are no longer than 1,024 bytes, and at most 128 headers make an action; an action without authority, an unknown
channel, a login that fails are refused in Asterisk's own words. Nothing of it knows what the gateway is.
"""

import hashlib
import random
import re
import socket
import socketserver
import threading
import time
import uuid

# Authorities of the actions that there are: what `manager show command` says.
AUTHORITY = {"login": set(), "challenge": set(), "logoff": set(), "ping": set(), "setvar": {"call"}, "status": {"system", "call", "reporting"},
             "getvar": {"call", "reporting"}, "coreshowchannels": {"system", "reporting"}, "command": {"command"}, "originate": {"originate"}}
MAX_LINE = 1024
MAX_HEADERS = 128


class Channel:
    """A channel, as `Status` shows it."""

    def __init__(self, number, application="", data="", linked=None, name=None, variables=None):
        self.unique = f"1764000000.{number}"
        self.name = name or f"PJSIP/+15550100-{number:08x}"
        self.linked = linked or self.unique
        self.application, self.data = application, data
        self.variables = dict(variables or {})
        self.history = []

    def set(self, name, value):
        self.variables[name] = value
        self.history.append((time.monotonic(), name, value))


class Asterisk:
    """The switch: its channels, and who may do what."""

    def __init__(self, username="veravox", secret="s3cret", write=("call",)):
        self.channels = []
        self.username, self.secret, self.write = username, secret, set(write)
        self.violations, self.actions = [], []
        self.answers = True
        self.server = self.open = None
        self.lock = threading.Lock()
        self.sockets = set()

    def start(self, port=0):
        fake = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                fake.sockets.add(self.request)
                try:
                    Session(fake, self.request).run()
                except (ConnectionError, TimeoutError):
                    pass
                finally:
                    fake.sockets.discard(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self.server.server_address[1]

    def stop(self):
        """As a restart of Asterisk: every connection ends."""
        self.server.shutdown()
        self.server.server_close()
        for one in list(self.sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def find(self, name):
        return next((channel for channel in self.channels if name in (channel.name, channel.unique)), None)

    def audiosocket(self, number, call=None, **more):
        call = call or uuid.uuid4()
        channel = Channel(number, "AudioSocket", f"{call},127.0.0.1:9092", **more)
        self.channels.append(channel)
        return channel, call


class Session:
    def __init__(self, asterisk, stream):
        self.asterisk, self.stream = asterisk, stream
        self.challenge, self.is_in = None, False

    def send(self, text):
        # In pieces, as a network has them.
        data = text.replace("\n", "\r\n").encode()
        while data:
            n = random.randint(1, 700)
            self.stream.sendall(data[:n])
            data = data[n:]

    def run(self):
        self.send("Asterisk Call Manager/13.0.0\n")
        buffer = b""
        headers = []
        self.stream.settimeout(120)
        while True:
            data = self.stream.recv(4096)
            if not data:
                return
            buffer += data
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                if not line.endswith(b"\r"):
                    self.asterisk.violations.append(f"a line without CR: {line!r}")
                if len(line) > MAX_LINE:
                    self.asterisk.violations.append("a line of more than 1,024 bytes")
                line = line.rstrip(b"\r").decode()
                if line:
                    headers.append(line)
                    if len(headers) > MAX_HEADERS:
                        self.asterisk.violations.append("more than 128 headers")
                elif headers:
                    while not self.asterisk.answers:
                        time.sleep(0.05)
                    if not self.act(headers):
                        return
                    headers = []

    def act(self, lines):
        action = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[A-Za-z]+(\([^)]*\))?", name):
                self.asterisk.violations.append(f"no header: {line!r}")
            action.setdefault(name.lower(), value.strip())
        self.action_id = action.get("actionid")
        name = action.get("action", "").lower()
        with self.asterisk.lock:
            self.asterisk.actions.append(action)
        if name not in AUTHORITY:
            return self.error(f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands.")
        if not self.is_in and name not in ("login", "challenge", "logoff"):
            return self.error("Permission denied")
        if AUTHORITY[name] and not AUTHORITY[name] & self.asterisk.write:
            return self.error("Permission denied")
        return getattr(self, f"do_{name}")(action)

    def respond(self, response, *headers):
        lines = [f"Response: {response}"]
        if self.action_id is not None:
            lines.append(f"ActionID: {self.action_id}")
        self.send("\n".join([*lines, *headers]) + "\n\n")
        return True

    def error(self, message):
        return self.respond("Error", f"Message: {message}")

    def do_challenge(self, action):
        if action.get("authtype", "").lower() != "md5":
            return self.error("Must specify AuthType")
        self.challenge = self.challenge or str(random.randint(100_000_000, 999_999_999))
        return self.respond("Success", f"Challenge: {self.challenge}")

    def do_login(self, action):
        secret = self.asterisk.secret
        key = hashlib.md5((str(self.challenge) + secret).encode()).hexdigest()
        by_key = action.get("authtype", "").lower() == "md5" and self.challenge and action.get("key") == key
        if "secret" in action:
            self.asterisk.violations.append("the secret crossed the line")
        if action.get("username") != self.asterisk.username or not by_key:
            time.sleep(1)
            self.error("Authentication failed")
            return False
        self.is_in = True
        self.respond("Success", "Message: Authentication accepted")
        if "system" in self.asterisk.write:
            self.send("Event: FullyBooted\nPrivilege: system,all\nUptime: 12\nLastReload: 12\nStatus: Fully Booted\n\n")
        return True

    def do_logoff(self, _):
        self.respond("Goodbye", "Message: Thanks for all the fish.")
        return False

    def do_ping(self, _):
        return self.respond("Success", "Ping: Pong", f"Timestamp: {time.time():.6f}")

    def do_setvar(self, action):
        if not action.get("variable"):
            return self.error("No variable specified")
        channel = None
        if action.get("channel"):
            channel = self.asterisk.find(action["channel"])
            if not channel:
                return self.error("No such channel")
        else:
            self.asterisk.violations.append("a global variable was set")
        if channel:
            channel.set(action["variable"], action.get("value", ""))
        return self.respond("Success", "Message: Variable Set")

    def do_status(self, action):
        names = [name for name in action.get("variables", "").split(",") if name]
        self.respond("Success", "EventList: start", "Message: Channel status will follow")
        channels = list(self.asterisk.channels)
        for channel in channels:
            variables = "".join(f"Variable: {name}={channel.variables.get(name, '(null)')}\n" for name in names)
            self.send(
                f"Event: Status\nPrivilege: Call\nChannel: {channel.name}\nChannelState: 6\nChannelStateDesc: Up\nCallerIDNum: +15550100\n"
                f"CallerIDName: Alice\nConnectedLineNum: <unknown>\nConnectedLineName: <unknown>\nLanguage: en\nAccountCode: \n"
                f"Context: incoming\nExten: 100\nPriority: 3\nUniqueid: {channel.unique}\nLinkedid: {channel.linked}\nType: PJSIP\nDNID: 100\n"
                f"EffectiveConnectedLineNum: <unknown>\nEffectiveConnectedLineName: <unknown>\nTimeToHangup: 0\nBridgeID: \n"
                f"Application: {channel.application}\nData: {channel.data}\nNativeformats: (ulaw)\nReadformat: slin\nReadtrans: \n"
                f"Writeformat: slin\nWritetrans: \nCallgroup: 0\nPickupgroup: 0\nSeconds: 5\n{variables}ActionID: {self.action_id}\n\n"
            )
        self.send(f"Event: StatusComplete\nActionID: {self.action_id}\nEventList: Complete\nListItems: {len(channels)}\nItems: {len(channels)}\n\n")
        return True

