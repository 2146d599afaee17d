"""An evidence clip as one file that any browser opens: a page with its pictures in it, and nothing that runs.

A page rather than a video: a reviewer sees at a glance what happened when, nothing has to be encoded again while an
event waits, no player is needed, and the machine that reads it back finds plain JPEG.
"""

import base64
import html
from collections.abc import Sequence

from edge_agent.camera_process.picture_ring import Picture
from edge_agent.camera_process.words import ClipWanted

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{act}</title>
<style>
body {{ font: 16px sans-serif; background: #222; color: #eee; margin: 1em }}
figure {{ display: inline-block; margin: 0 .5em .5em 0 }}
img {{ display: block; max-width: 46vw }}
</style>
<h1>{act}</h1>
<p>Shelf {shelf}, camera {camera}. Seconds from the act's beginning; it lasted {lasted:.1f} s.</p>
"""
_FIGURE = '<figure><img alt="" src="data:image/jpeg;base64,{jpeg}"><figcaption>{at:+.2f} s</figcaption></figure>\n'


def clip_page(wanted: ClipWanted, camera_id: str, pictures: Sequence[Picture]) -> bytes:
    """Return the file of a clip."""
    parts = [
        _HEAD.format(
            act=html.escape(wanted.act_id),
            shelf=html.escape(wanted.shelf_id),
            camera=html.escape(camera_id),
            lasted=(wanted.t_end_ns - wanted.t_start_ns) / 1e9,
        )
    ]
    parts += [
        _FIGURE.format(jpeg=base64.b64encode(each.jpeg).decode(), at=(each.t_ns - wanted.t_start_ns) / 1e9)
        for each in pictures
    ]
    return "".join(parts).encode()
