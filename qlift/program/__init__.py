"""Desired state → component resources: the only room that declares anything to Pulumi."""
