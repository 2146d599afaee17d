"""Certificates: the line works by TLS, a stranger is not trusted, a renewed certificate needs no restart."""

import subprocess
from pathlib import Path

import pytest
from delivery_rig import Agent, StoreLedger
from delivery_stories import until
from real_mosquitto import RealMosquitto

from edge_agent.config import BrokerConfig, TlsConfig


def openssl(directory: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)


def make_authority(directory: Path, name: str) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
    openssl(directory, "req", "-x509", *key, "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")


def make_certificate(directory: Path, name: str, authority: str) -> None:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")
    openssl(directory, "req", *key, "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (directory / "san").write_text("subjectAltName=IP:127.0.0.1")
    signing = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", *signing, "-extfile", "san", "-out", f"{name}.pem")


@pytest.fixture
def secured(tmp_path: Path) -> RealMosquitto:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    make_authority(directory, "store-ca")
    make_authority(directory, "stranger-ca")
    for name in ("broker", "unit-7"):
        make_certificate(directory, name, "store-ca")
    make_certificate(directory, "stranger", "stranger-ca")
    return RealMosquitto(
        directory,
        extra=f"cafile {directory}/store-ca.pem\ncertfile {directory}/broker.pem\nkeyfile {directory}/broker.key\n"
        "require_certificate true",
    )


def by_tls(broker: RealMosquitto, *, authority: str = "store-ca", name: str = "unit-7") -> BrokerConfig:
    files = TlsConfig(
        ca_file=str(broker.directory / f"{authority}.pem"),
        cert_file=str(broker.directory / f"{name}.pem"),
        key_file=str(broker.directory / f"{name}.key"),
    )
    return BrokerConfig(host="127.0.0.1", port=broker.port, tls=files, keepalive_s=5)


def test_events_are_confirmed_by_tls(secured: RealMosquitto, tmp_path: Path) -> None:
    secured.start()
    try:
        with (
            StoreLedger(tmp_path / "ledger.db", by_tls(secured)) as store,
            Agent(tmp_path / "state", by_tls(secured)) as agent,
        ):
            agent.sells(100)
            agent.is_confirmed()
            assert store.recorded == list(range(1, 101))
    finally:
        secured.kill()


def test_a_broker_of_a_stranger_is_not_trusted(secured: RealMosquitto, tmp_path: Path) -> None:
    secured.start()
    try:
        with Agent(tmp_path / "state", by_tls(secured, authority="stranger-ca")) as agent:
            agent.sells()
            assert "its certificate is not accepted" in agent.says("broker_unreachable").detail
            assert not agent.uplink.connected
    finally:
        secured.kill()


def test_a_renewed_certificate_is_used_at_the_next_connection(secured: RealMosquitto, tmp_path: Path) -> None:
    secured.start()
    config = by_tls(secured, name="stranger")  # not of the store's CA: the broker refuses it
    try:
        with (
            StoreLedger(tmp_path / "ledger.db", by_tls(secured)),
            Agent(tmp_path / "state", config) as agent,
        ):
            agent.sells()
            agent.says("broker_unreachable")
            assert agent.outbox.depth() == 1
            for suffix in ("pem", "key"):
                (secured.directory / f"unit-7.{suffix}").replace(secured.directory / f"stranger.{suffix}")
            agent.is_confirmed()
            until(lambda: agent.said("broker_unreachable", raised=False) is not None, "the alarm is cleared")
    finally:
        secured.kill()
