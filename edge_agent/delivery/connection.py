"""One MQTT connection, from the attempt to its end; a new attempt is a new object with a new paho client.

Why not paho's own thread and reconnect: a reused client keeps in-flight limits and TLS settings of the session before
it, its network thread can die by a callback's exception while it still claims to be connected, and a lock shared by
publish() and on_publish can deadlock. Here one thread owns the client and every callback only notes what happened.
A second, short-lived thread does what may block without end (name look-up, TCP and TLS handshake).
"""

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.config import BrokerConfig, TlsConfig
from edge_agent.delivery.happenings import (
    Connected,
    Happening,
    Lost,
    Published,
    Received,
    Subscribed,
    SubscriptionRefused,
    Will,
)
from edge_agent.delivery.waker import Waker
from edge_agent.delivery.wire import MAX_MESSAGE_BYTES

ATTEMPT_S: Final = 10.0
"""From the name look-up to the broker's CONNACK, s; a hung TLS handshake ends here (2026-11)."""
MISC_EVERY_S: Final = 1.0
"""How often the keep-alive is looked after: finer than any keep-alive by far (2026-11)."""
OVERHEAD_BYTES: Final = 1024
"""Headers, topic and a few properties beside a payload: what is larger the broker need not even send (2026-11)."""
READS_A_POLL: Final = 256
"""Packets taken in one go, so that a flood cannot starve sending."""
DEFAULT_RECEIVE_MAXIMUM: Final = 65_535


class _HandshakingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: nobody else holds it yet."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands or release the socket."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class Connection:
    """A client for one connection; every method but the wake-up belongs to the owner's thread.

    Parameters
    ----------
    session_expiry_s : int
        0 for a clean session; otherwise the broker keeps it that long (for ever in MQTT 3.1.1).
    manual_ack : bool
        The owner acknowledges received messages itself, after it has made them durable.
    receive_maximum : int
        Messages the broker may have under way to us (MQTT 5).
    """

    def __init__(
        self,
        broker: BrokerConfig,
        client_id: str,
        waker: Waker,
        *,
        will: Will | None = None,
        session_expiry_s: int = 0,
        manual_ack: bool = False,
        receive_maximum: int = 100,
        attempt_s: float = ATTEMPT_S,
    ) -> None:
        self._broker = broker
        self._waker = waker
        self._version5 = broker.protocol == "5"
        self._happenings: deque[Happening] = deque()
        self._connected = False
        self._over = False
        self._give_up_at_s = time.monotonic() + attempt_s
        self._misc_at_s = 0.0
        self._abandon = threading.Lock()
        self._abandoned = False
        self._socket_open = False
        self._session_expiry_s = session_expiry_s
        self._receive_maximum = receive_maximum
        self._client = self._make_client(client_id, manual_ack, attempt_s)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        threading.Thread(target=self._attempt, name="mqtt-connect", daemon=True).start()

    # --- the owner's thread ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Return whether the broker has accepted and nothing has ended it since."""
        return self._connected and not self._over

    @property
    def congested(self) -> bool:
        """Return whether bytes wait for the network: then droppable messages are dropped."""
        return bool(self._client.want_write())

    def poll(self, timeout_s: float) -> list[Happening]:
        """Wait for network, a wake-up or the time-out, do what is due, and return what happened."""
        if not self._over:
            self._serve(max(0.0, timeout_s))
        happened = list(self._happenings)
        self._happenings.clear()
        return happened

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> int:
        """Queue a message and return its packet id; only while connected."""
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def subscribe(self, filters: Iterable[tuple[str, int]]) -> None:
        """Ask for messages of topics, each with its QoS."""
        self._client.subscribe(list(filters))

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that a message is durable here."""
        self._client.ack(message.mid, message.qos)

    def close(self, timeout_s: float = 0.3) -> None:
        """Say goodbye if connected (so that no will goes out), within ``timeout_s``, and release the socket."""
        with self._abandon:
            self._abandoned = True
        if self.connected:
            until_s = time.monotonic() + timeout_s
            held = self._second_hold()
            self._client.disconnect()
            while self._client.want_write() and self._client.socket() and time.monotonic() < until_s:
                if self._client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS or self._blocked(0.05):
                    break
            _read_to_the_end(held, until_s)
        self._over = True
        self._drop_socket()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _second_hold(self) -> socket.socket | None:
        """Return a duplicate of the socket: paho closes its own as soon as the goodbye is written.

        Closing with bytes unread (an answer that comes just now) makes the kernel reset the connection; the broker
        would then lose the goodbye it has not read yet, and send the will of a client that left in peace.
        """
        wire = self._client.socket()
        return None if wire is None else socket.socket(fileno=os.dup(wire.fileno()))

    def _serve(self, timeout_s: float) -> None:
        now_s = time.monotonic()
        if not self._connected and now_s >= self._give_up_at_s:
            self._end("no answer in time")
            return
        wire = self._client.socket() if self._socket_open else None
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        if wire is not None:
            poller.register(wire, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
            if isinstance(wire, ssl.SSLSocket) and wire.pending():  # decrypted already: the poll would not see it
                timeout_s = 0.0
        poller.poll(
            1000 * min(timeout_s, max(0.0, self._give_up_at_s - now_s) if not self._connected else MISC_EVERY_S)
        )
        self._waker.drain()
        if wire is None:
            return
        try:
            self._exchange()
        except Exception as error:  # noqa: BLE001 - whatever paho trips over, this connection is over and a new one follows
            self._end(f"{type(error).__name__}: {error}")

    def _exchange(self) -> None:
        """Write, read and keep alive."""
        if self._client.want_write():
            self._client.loop_write()
        for _ in range(READS_A_POLL):
            if not self._readable():
                break
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        self._acknowledge_quickly()
        now_s = time.monotonic()
        if now_s >= self._misc_at_s:
            self._misc_at_s = now_s + MISC_EVERY_S
            self._client.loop_misc()
        if self._client.socket() is None and not self._over:
            self._end("connection closed")

    def _readable(self) -> bool:
        wire = self._client.socket()
        if wire is None:
            return False
        if isinstance(wire, ssl.SSLSocket) and wire.pending():
            return True
        poller = select.poll()
        poller.register(wire, select.POLLIN)
        return bool(poller.poll(0))

    def _blocked(self, wait_s: float = 0.0) -> bool:
        """Return whether the socket takes no bytes."""
        wire = self._client.socket()
        if wire is None:
            return True
        poller = select.poll()
        poller.register(wire, select.POLLOUT)
        return not poller.poll(wait_s * 1000)

    def _end(self, reason: str) -> None:
        if self._over:
            return
        self._over = True
        with self._abandon:
            self._abandoned = True
        self._drop_socket()
        self._happenings.append(Lost(reason))

    def _drop_socket(self) -> None:
        if self._socket_open:
            self._socket_open = False
            with contextlib.suppress(OSError, ValueError):
                wire = self._client.socket()
                if wire is not None:
                    wire.close()

    def _make_client(self, client_id: str, manual_ack: bool, attempt_s: float) -> Client:
        clean = self._session_expiry_s == 0
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._version5 else clean,
            protocol=MQTTv5 if self._version5 else MQTTv311,
            manual_ack=manual_ack,
            reconnect_on_failure=False,
        )
        client.connect_timeout = attempt_s
        client.max_inflight_messages_set(DEFAULT_RECEIVE_MAXIMUM)  # the owner keeps the window
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        # With this set, publish() only queues: all writing happens in poll().
        client.on_socket_register_write = lambda *_: None
        return client

    def _attempt(self) -> None:
        """Look up, connect and shake hands: in its own thread, since any of them may hang."""
        broker = self._broker
        try:
            if broker.username is not None:
                password = None if broker.password_file is None else Path(broker.password_file).read_text().strip()
                self._client.username_pw_set(broker.username, password)
            if broker.tls is not None:
                self._client.tls_set_context(_tls_context(broker.tls))
            self._connect()
        except (OSError, ValueError) as error:
            self._happenings.append(Lost(_worded(error)))
        with self._abandon:
            if self._abandoned:
                with contextlib.suppress(OSError, ValueError):
                    wire = self._client.socket()
                    if wire is not None:
                        wire.close()
            else:
                self._prepare(self._client.socket())
        self._waker.wake()

    def _prepare(self, wire: object) -> None:
        if isinstance(wire, socket.socket):
            # Small packets, each waited for: Nagle's algorithm and delayed ACKs together cost 90 ms an event (2026-11).
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket_open = True

    def _acknowledge_quickly(self) -> None:
        """Let a broker that keeps Nagle's algorithm (mosquitto's default) send its next packet now, not in 40 ms.

        The kernel forgets the wish after a while, so it is renewed with every read.
        """
        wire = self._client.socket()
        if isinstance(wire, socket.socket):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _connect(self) -> None:
        broker = self._broker
        if not self._version5:
            self._client.connect(broker.host, broker.port, broker.keepalive_s)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_expiry_s
        properties.ReceiveMaximum = self._receive_maximum
        properties.MaximumPacketSize = MAX_MESSAGE_BYTES + OVERHEAD_BYTES
        self._client.connect(
            broker.host,
            broker.port,
            broker.keepalive_s,
            clean_start=self._session_expiry_s == 0,
            properties=properties,
        )

    # --- callbacks: note what happened, nothing else --------------------------------------------------------------

    def _on_connect(
        self, _client: Client, _userdata: Any, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._end(f"the broker refuses: {code}")
            return
        self._connected = True
        self._happenings.append(
            Connected(
                receive_maximum=getattr(properties, "ReceiveMaximum", DEFAULT_RECEIVE_MAXIMUM),
                maximum_packet_bytes=getattr(properties, "MaximumPacketSize", None),
                session_present=flags.session_present,
            )
        )

    def _on_disconnect(
        self, _client: Client, _userdata: Any, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        # Without a word from the broker paho has only "Unspecified error" to say.
        self._end(f"the broker ended it: {code}" if _flags.is_disconnect_packet_from_server else "the connection broke")

    def _on_publish(
        self, _client: Client, _userdata: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._happenings.append(Published(mid, int(code.value)))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._happenings.append(Received(topic, bytes(message.payload), message.qos, message.retain, message.mid))

    def _on_subscribe(
        self, _client: Client, _userdata: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [SubscriptionRefused(int(code.value)) for code in codes if code.is_failure]
        self._happenings.extend(refused or [Subscribed()])


def _tls_context(tls: TlsConfig) -> ssl.SSLContext:
    """Return a context that verifies the broker; read anew for each connection, so that certificates can be renewed."""
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    context.sslsocket_class = _HandshakingSocket
    return context


def _worded(error: OSError | ValueError) -> str:
    """Return what went wrong in the reader's words."""
    if isinstance(error, socket.gaierror):
        return f"the name cannot be looked up ({error.strerror})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _read_to_the_end(wire: socket.socket | None, until_s: float) -> None:
    """Say that no more comes, take what the broker still sends until it closes, and close."""
    if wire is None:
        return
    with contextlib.closing(wire), contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_WR)
        while (left_s := until_s - time.monotonic()) > 0:
            wire.settimeout(left_s)
            if not wire.recv(4096):
                return
