"""Declares what toys.json says: boxes (key, source, name, content, former?) and labels (key, box, size)."""

import json
from pathlib import Path

import pulumi

# Beside this file; the provider process imports it by the same name.
from toys import Box, Label

from providers.delete_guard import DeleteGuard
from qlift.program.failures import hold_back_dependents

hold_back_dependents()

wanted = json.loads((Path(__file__).parent / "toys.json").read_text())
job = pulumi.ComponentResource("qlik:job:Job", "toys")
boxes = {}
for b in wanted["boxes"]:
    aliases: list[pulumi.Alias | pulumi.Input[str]] = (
        [pulumi.Alias(name=b["former"])] if "former" in b else []
    )
    opts = pulumi.ResourceOptions(parent=job, aliases=aliases)
    boxes[b["key"]] = Box(b["key"], b["source"], b["name"], b["content"], opts)
for label in wanted.get("labels", []):
    Label(label["key"], boxes[label["box"]], label["size"], pulumi.ResourceOptions(parent=job))
DeleteGuard("guard", pulumi.ResourceOptions(depends_on=[job]), stack=pulumi.get_stack(), digests={})
