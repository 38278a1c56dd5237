"""`qlift demo`: the main job on simulated ends, with the very commands that a team would type.

Everything it makes lies in `.qlift/demo`: the simulator's state, the bundle, the stack's settings, Pulumi's
state. `qlift demo down` takes it back and shows that the tenant is as it was before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import typer
import yaml
from deepdiff import DeepDiff
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from qlift.pulumi_cli import Engine, EngineError, ensure_engine

FOLDER = Path(".qlift/demo")
SITE, STACK, TARGET = "sample", "demo", FOLDER / "targets" / "demo.yaml"
SECONDS_TO_START = 120
NAMES_SHOWN = 3

demo = typer.Typer(no_args_is_help=True, help="Try the main job on a simulated site and a simulated tenant.")


class DemoFailed(Exception):
    """A step did not do what it should; its own output stands above."""


@demo.command()
def up() -> None:
    """Export the sample site, preview, migrate it, show that a second run changes nothing."""
    with _told_in_one_line() as console, _simulator() as ends:
        runner = _Runner(console, ends)
        _write_settings(ends)
        before = FOLDER / "tenant-before.json"
        if not before.exists():
            before.write_text(json.dumps(_tenant(ends), indent=2))
        runner.say("1. Export the site into files that a pull request can show")
        runner.qlift("export", SITE, "--source", str(FOLDER / "sources" / "sample.yaml"), "--out", _bundle())
        runner.say("2. Who is who in the tenant")
        runner.qlift("users", str(TARGET), "--phase", STACK)
        runner.say("3. What would Pulumi do?")
        runner.select_stack()
        runner.pulumi("preview")
        runner.say("4. Do it")
        runner.pulumi("up", "--yes", "--skip-preview")
        runner.say("5. Once more: nothing to do")
        runner.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
        _summary(runner, ends)


@demo.command()
def down() -> None:
    """Destroy what `up` made and compare the tenant with the one before."""
    before = FOLDER / "tenant-before.json"
    if not before.exists():
        typer.echo("There is no demo to undo; `make demo` makes one.", err=True)
        raise typer.Exit(2)
    with _told_in_one_line() as console, _simulator() as ends:
        runner = _Runner(console, ends)
        count = sum(r.get("custom", False) and _kind(r) is not None for r in runner.resources())
        runner.say(f"Take it back: {count} objects, so the delete guard wants their number")
        runner.pulumi("destroy", "--yes", env={"QLIFT_ALLOW_DELETES": str(count)})
        difference = DeepDiff(json.loads(before.read_text()), _tenant(ends), ignore_order=True)
        if difference:
            raise DemoFailed(f"the tenant differs from the one before:\n{difference.pretty()}")
        before.unlink()
        console.print("\n[bold green]The tenant is as it was before.[/] Nothing of the demo is left in it.")


@contextmanager
def _told_in_one_line() -> Iterator[Console]:
    try:
        yield Console()
    except (DemoFailed, EngineError) as error:
        typer.echo(f"The demo stopped: {error}", err=True)
        raise typer.Exit(1) from None


class _Runner:
    """Shows each command as a person would type it, then runs it."""

    def __init__(self, console: Console, ends: dict[str, Any]) -> None:
        self.console = console
        self.engine: Engine = ensure_engine()
        tenant = ends["tenant"]
        root = Path.cwd()
        (FOLDER / "state").mkdir(parents=True, exist_ok=True)
        self.env = {
            **self.engine.environment(root),
            "PULUMI_BACKEND_URL": f"file://{root / FOLDER / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "QLIFT_CLIENT_ID": tenant["client_id"],
            "QLIFT_CLIENT_SECRET": tenant["client_secret"],
            "QLIFT_SAMPLE_USER": ends["site"]["header"]["value"],
            "QLIFT_LOG": str(FOLDER / "changes.jsonl"),
        }

    def say(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/]")

    def qlift(self, *args: str) -> None:
        self._run([str(Path(sys.executable).parent / "qlift"), *args], "qlift " + " ".join(args))

    def pulumi(self, command: str, *args: str, env: dict[str, str] | None = None) -> None:
        shown = " ".join(
            [*(f"{k}={v}" for k, v in (env or {}).items()), "pulumi", command, "-s", STACK, *args]
        )
        settings = ["-s", STACK, "--config-file", str(FOLDER / "Pulumi.demo.yaml")]
        options = [] if sys.stdout.isatty() else ["--non-interactive", "--color=never"]
        self._run([str(self.engine.binary), command, *settings, *args, *options], shown, env)

    def select_stack(self) -> None:
        quiet = [str(self.engine.binary), "stack", "select", "--create", STACK, "--non-interactive"]
        done = subprocess.run(quiet, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoFailed(f"pulumi stack select failed:\n{done.stderr}")

    def resources(self) -> list[dict[str, Any]]:
        export = [str(self.engine.binary), "stack", "export", "-s", STACK]
        done = subprocess.run(export, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoFailed(f"pulumi stack export failed:\n{done.stderr}")
        found = json.loads(done.stdout)["deployment"].get("resources", [])
        return [dict(r) for r in found]

    def output_of(self, *args: str) -> str:
        command = [str(Path(sys.executable).parent / "qlift"), *args]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=True).stdout

    def _run(self, command: list[str], shown: str, env: dict[str, str] | None = None) -> None:
        self.console.print(f"[dim]$ {shown}[/]", highlight=False, soft_wrap=True)
        code = subprocess.run(command, env={**self.env, **(env or {})}, check=False).returncode
        if code:
            raise DemoFailed(f"`{shown}` ended with exit code {code}")


@contextmanager
def _simulator() -> Iterator[dict[str, Any]]:
    """The simulated ends, in a process of their own; they keep their state and addresses."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    description = FOLDER / "simulator.json"
    description.unlink(missing_ok=True)
    command = [str(Path(sys.executable).parent / "qlift"), "simulate"]
    command += ["--state", str(FOLDER / "simulator"), "--json", str(description)]
    log = (FOLDER / "simulator.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
    try:
        end = time.monotonic() + SECONDS_TO_START
        while not description.exists():
            if process.poll() is not None or time.monotonic() > end:
                said = Path(log.name).read_text(encoding="utf-8").strip().splitlines()
                raise DemoFailed(f"the simulator did not start: {said[-1] if said else 'it takes too long'}")
            time.sleep(0.05)
        yield dict(json.loads(description.read_text()))
    finally:
        process.terminate()
        process.wait()
        log.close()


def _bundle() -> str:
    return str(FOLDER / "exports" / SITE)


def _write_settings(ends: dict[str, Any]) -> None:
    header = ends["site"]["header"]
    files = {
        FOLDER / "sources" / "sample.yaml": {
            "site": SITE,
            "kind": "qlik-sense",
            "url": header["url"],
            "way": {"header": {"name": header["name"], "value_env": "QLIFT_SAMPLE_USER"}},
        },
        # The pretend tenant's lists are a second behind.
        TARGET: {"url": ends["tenant"]["url"], "list_lag_seconds": 2},
        FOLDER / "Pulumi.demo.yaml": {"config": {"qlift:target": str(TARGET), "qlift:phase": STACK}},
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name.startswith("Pulumi.") and path.exists():
            continue  # Pulumi keeps the salt of the stack's secrets in it.
        path.write_text(yaml.safe_dump(content, sort_keys=False))


def _tenant(ends: dict[str, Any]) -> Any:
    answer = httpx.get(f"{ends['control']['url']}/control/state", timeout=30)
    answer.raise_for_status()
    return answer.json()["tenant"]


def _kind(resource: dict[str, Any]) -> str | None:
    kind = str(resource["type"]).rpartition(":")[2]
    return kind if "dynamic/qlik" in resource["type"] and kind != "DeleteGuard" else None


def _summary(runner: _Runner, ends: dict[str, Any]) -> None:
    console = runner.console
    resources = [r for r in runner.resources() if _kind(r) is not None]
    console.print()
    console.print(_created(resources))
    findings = json.loads(runner.output_of("phase", "show", STACK, "--target", str(TARGET), "--json"))
    _print_findings(console, findings["findings"])
    console.print(
        f"\nAll findings: qlift phase show {STACK} --target {TARGET}\n"
        f"The bundle:   {_bundle()}\n"
        f"The plan:     stacks/{STACK}/plan.yaml\n"
        f"The tenant:   {ends['tenant']['url']}, while this ran; `qlift simulate --state {FOLDER}/simulator "
        f"--json {FOLDER}/simulator.json` serves it again\n\n"
        "[bold]What to try next[/]\n"
        "  change a description or a role in stacks/demo/plan.yaml and run `make demo` again\n"
        "  make demo-undo    takes everything back\n"
        '  README, "Your first real migration"',
        highlight=False,
    )


def _created(resources: list[dict[str, Any]]) -> Table:
    """A line for each space, then personal apps."""
    table = Table(
        title=f"Created in the simulated tenant: {len(resources)} objects", title_justify="left", expand=False
    )
    table.add_column("space")
    for column in ("type", "apps", "assignments", "schedules"):
        table.add_column(column, justify="right" if column != "type" else "left")
    types = {r["inputs"]["name"]: r["inputs"]["type"] for r in resources if _kind(r) == "Space"}
    counts = Counter((str(r["inputs"].get("space", "")), _kind(r)) for r in resources)
    for space in [*sorted(types), ""]:
        table.add_row(
            space or "(personal spaces)",
            types.get(space, ""),
            str(counts[space, "App"] + counts[space, "AppPublication"]),
            str(counts[space, "SpaceAssignment"]),
            str(counts[space, "ReloadSchedule"]),
        )
    return table


def _print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    """Kinds of findings, warnings first, as the list comes. Text, not markup: names may hold brackets."""
    console.print("Not migrated, or worth a look", style="italic")
    by_code: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        by_code.setdefault(finding["code"], []).append(finding)
    for code, found in by_code.items():
        names = list(dict.fromkeys(f["object"] for f in found))
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        style = "yellow" if found[0]["severity"] == "warning" else "cyan"
        console.print(
            Text(f"  {code}  ", style=style) + Text(", ".join(names[:NAMES_SHOWN]) + more, style="bold")
        )
        console.print(Padding(Text(f"{found[0]['message']}. To do: {found[0]['remedy']}."), (0, 0, 0, 6)))
