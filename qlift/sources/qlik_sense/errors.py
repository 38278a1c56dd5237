"""What can go wrong between qlift and a source site.

SourceError           message: what, which object, what to do; never a credential
├── ConnectionSettings  the connection file, the apps file or the environment is wrong
├── Unreachable         no answer
├── NotAllowed          the identity may not do this
├── Absent              the site has no such object, or no such kind
├── EngineError         the engine's websocket gave no load script
├── AppExportFailed     one app's file could not be had; the others go on
└── TargetUnwritable    the folder or the app-file store cannot be written
"""


class SourceError(Exception):
    pass


class ConnectionSettings(SourceError):
    pass


class Unreachable(SourceError):
    pass


class NotAllowed(SourceError):
    pass


class Absent(SourceError):
    pass


class EngineError(SourceError):
    pass


class AppExportFailed(SourceError):
    pass


class TargetUnwritable(SourceError):
    pass
