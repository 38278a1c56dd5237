"""What can go wrong between qlift and a source site.

SourceError           message: what, which object, what to do; never a credential
├── ConnectionSettings  the connection file or the environment is wrong
├── NotAllowed          the identity may not do this
└── AppExportFailed     one app's file could not be had; the others go on
"""


class SourceError(Exception):
    pass


class ConnectionSettings(SourceError):
    pass


class NotAllowed(SourceError):
    pass


class AppExportFailed(SourceError):
    pass
