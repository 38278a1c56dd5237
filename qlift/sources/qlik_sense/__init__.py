"""A Qlik Sense Client-Managed site, read over its Repository Service."""
