# What is frozen for the field: the same, and the module that says so.

include("manifest.py")
module("mpos_release.py", base_path="../release")
