"""A Python language host for the Pulumi engine: the stand-in used with an engine built from its Go module.

The official host, `pulumi-language-python`, is part of the official download only. The engine starts a host
as `<host> <engine's address>`, reads a port number from the first line of its standard output, and speaks
the gRPC service `pulumirpc.LanguageRuntime` to it. All that matters is `Run`: start the program with
`pulumi-language-python-exec`, which is Pulumi's own. The program writes to our standard output and error,
which the engine reads.

Run as `python -m qlift.pulumi_cli.language_host <pulumi-language-python-exec> <engine's address>`.
"""

# The names and signatures of the methods are the protocol's.
# ruff: noqa: N802, ARG002
# gRPC and protobuf bring no types.
# mypy: disable-error-code="import-untyped"

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# Exit code of pulumi-language-python-exec when it has already shown the error to the user.
_ALREADY_SHOWN = 32


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs for one engine; what is not overridden answers "unimplemented"."""

    def __init__(self, program_runner: str, engine_address: str) -> None:
        self._program_runner = program_runner
        self._engine_address = engine_address
        self._programs: list[subprocess.Popen[bytes]] = []

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None: our only provider is the dynamic one, which stands beside the engine."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing to do: `make setup` installs the project's packages, pinned."""
        return iter(())

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        return language_pb2.GetProgramDependenciesResponse()

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        self.end_programs()
        return Empty()

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run the program to its end and say how it ended."""
        options = request.info.options  # a protobuf Struct: it has no get()
        virtualenv = options["virtualenv"] if "virtualenv" in options else None  # noqa: SIM401
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        python = environment.get("PULUMI_PYTHON_CMD") or sys.executable
        if virtualenv:
            folder = Path(request.info.root_directory, virtualenv)
            python = str(folder / "bin" / "python")
            if not os.access(python, os.X_OK):
                return language_pb2.RunResponse(
                    error=f"Pulumi.yaml has the virtualenv {virtualenv}, but there is no {python}. "
                    "Run: make setup"
                )
            environment["VIRTUAL_ENV"] = str(folder)
            environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
            environment.pop("PYTHONHOME", None)
        # The engine interrupts our whole process group when it closes us. In a group of its own the program
        # does not answer that with a KeyboardInterrupt's traceback; we end it.
        program = subprocess.Popen(
            [python, "-u", self._program_runner, *self._arguments(request)],
            cwd=request.pwd or request.info.program_directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
        self._programs.append(program)
        context.add_callback(program.terminate)
        code = program.wait()
        if code == 0:
            return language_pb2.RunResponse()
        if code == _ALREADY_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}")

    def _arguments(self, request: language_pb2.RunRequest) -> list[str]:
        entry = Path(request.info.program_directory, request.info.entry_point)
        values = {
            "--monitor": request.monitor_address,
            "--engine": self._engine_address,
            "--project": request.project,
            "--stack": request.stack,
            "--organization": request.organization,
            "--root_directory": request.info.root_directory,
            "--pwd": request.pwd,
            "--dry_run": "true" if request.dryRun else "false",
            "--parallel": str(request.parallel),
        }
        options = [part for name, value in values.items() if value for part in (name, value)]
        return [*options, str(entry), *request.args]

    def end_programs(self) -> None:
        for program in self._programs:
            program.terminate()


def main() -> None:
    """Serve until the engine interrupts us or is gone; a kill -9 gives it no time to say so."""
    engine = os.getppid()
    # Also where SIGINT is ignored, as in the background of a script (`pulumi up &`): the engine would wait
    # five seconds for our end, once or twice a run.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    host = LanguageHost(program_runner=sys.argv[1], engine_address=sys.argv[-1])
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        while os.getppid() == engine:
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        host.end_programs()
        server.stop(grace=0)


if __name__ == "__main__":
    main()
