"""What an agent knows before its first sample: types (tree, assortment), reading (files), checking, revisions."""

from edge_agent.config.camera import CameraConfig, ClipsConfig
from edge_agent.config.tree import (
    AgentConfig,
    BoardCalibration,
    BoardConfig,
    BrokerConfig,
    ChannelCalibration,
    ChannelConfig,
    LimitsConfig,
    PolicyConfig,
    ShelfConfig,
    Site,
    TlsConfig,
)

__all__ = [
    "AgentConfig",
    "BoardCalibration",
    "BoardConfig",
    "BrokerConfig",
    "CameraConfig",
    "ChannelCalibration",
    "ChannelConfig",
    "ClipsConfig",
    "LimitsConfig",
    "PolicyConfig",
    "ShelfConfig",
    "Site",
    "TlsConfig",
]
