"""A rendered shelf: pictures of the goods and hands of a `ShelfWorld`, by the same truth as its load cells.

::

    packages_for(site, …)  product pictures, or drawn packages
    Rows                   goods as bodies, one behind the other, over time
    reach_of, draw_limb    hands that keep the truth's instants; arms and what they carry
    ShelfLayer             what stands still, drawn anew when goods change
    Passer, Sensor         people who pass; lamps, exposure, noise
    Scene                  all of it: picture(t_s), grey(t_s), and what is true then

Nothing is shared with the camera's eye (edge_agent/vision), neither code nor parameter.
"""

from edge_agent.simulation.scene.look import STEADY, SceneLook, SceneTrouble, TroubleKind
from edge_agent.simulation.scene.markers import marker_corners_mm
from edge_agent.simulation.scene.packages import Package, packages_for, pictures_from
from edge_agent.simulation.scene.pose import ScenePose
from edge_agent.simulation.scene.rows import SeenItem
from edge_agent.simulation.scene.scene import HandTruth, Scene

__all__ = [
    "STEADY",
    "HandTruth",
    "Package",
    "Scene",
    "SceneLook",
    "ScenePose",
    "SceneTrouble",
    "SeenItem",
    "TroubleKind",
    "marker_corners_mm",
    "packages_for",
    "pictures_from",
]
