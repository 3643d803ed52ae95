"""Where untrusted commands run: private copies of a workspace, in a tier that is measured, never assumed."""
