"""The third way to an engine: the build from its Go module.

It needs Go and a Go module proxy, nothing else. `engine_module/go.mod` and `go.sum` pin every module with
its hash; `go.mod` repeats the one replacement that the engine's own module makes. Measured: 2 to 3 minutes on
4 cores, 6 on 2, from cold caches; 1.7 GB of modules, of which the result keeps 112 MB.
"""

import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from qlift.pulumi_cli import helpers
from qlift.pulumi_cli.cache import ENGINE_VERSION
from qlift.pulumi_cli.errors import WayFailed
from qlift.pulumi_cli.progress import Progress

_COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
# As the official build: no cgo user look-up, no gRPC tracing; the version is set by the linker.
_TAGS = "osusergo,grpcnotrace"
_LINK = f"-w -s -X {_SDK}/go/common/version.Version=v{ENGINE_VERSION}"


def build_engine(folder: Path, progress: Progress) -> None:
    """Build the engine and its helpers into `<folder>/bin`; WayFailed where that does not work."""
    if shutil.which("go") is None:
        raise WayFailed("there is no `go` on PATH")
    progress.say(
        f"Building the Pulumi engine {ENGINE_VERSION} from its Go module, once for all your checkouts. The "
        "first time this takes about 3 minutes on 4 cores, 6 minutes on 2, and Go keeps 1.7 GB of modules."
    )
    module = folder / "module"
    module.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (module / name).write_bytes(files(__package__).joinpath("engine_module", name).read_bytes())

    environment = {
        **os.environ,
        # What go.mod and go.sum pin is built, whatever workspace or flags the user has.
        "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -mod=readonly".strip(),
        "GOWORK": "off",
        # No C compiler needed.
        "CGO_ENABLED": "0",
    }
    packages = _go(
        ["list", "-deps", "-tags", _TAGS, _COMMAND],
        module,
        environment,
        _counted(progress, "go: downloading ", "downloading modules: {}"),
    )
    total = len(packages.splitlines())
    (folder / "bin").mkdir()
    output = ["-o", str(folder / "bin" / "pulumi")]
    _go(
        ["build", "-v", "-trimpath", "-tags", _TAGS, "-ldflags", _LINK, *output, _COMMAND],
        module,
        environment,
        _counted(progress, "", f"compiling: {{}} of at most {total} packages"),
    )
    sdk = _go(["list", "-m", "-f", "{{.Dir}}", _SDK], module, environment, lambda _line: None).strip()
    helpers.copy_from_sdk_module(Path(sdk), folder / "bin")
    helpers.refresh_language_host(folder / "bin")
    shutil.rmtree(module)


def _counted(progress: Progress, prefix: str, text: str) -> Callable[[str], None]:
    count = 0

    def line(said: str) -> None:
        nonlocal count
        if said.startswith(prefix):
            count += 1
            progress.update(f"Building the Pulumi engine, {text.format(count)}")

    return line


def _go(
    args: Sequence[str], module: Path, environment: Mapping[str, str], on_line: Callable[[str], None]
) -> str:
    """Run `go <args>`; `on_line` gets what it says on the way (standard error), the answer is returned."""
    last: deque[str] = deque(maxlen=5)
    answer = module / "answer"
    with (
        answer.open("w+") as stdout,
        subprocess.Popen(
            ["go", *args],
            cwd=module,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        for said in process.stderr:
            on_line(said)
            if not said.startswith("go: downloading "):
                last.append(said.strip())
    if process.returncode != 0:
        raise WayFailed(f"`go {args[0]}` failed: {' / '.join(last) or process.returncode}")
    return answer.read_text()
