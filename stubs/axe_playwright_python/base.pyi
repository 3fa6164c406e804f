#: axe-core, as a page takes it.
AXE_SCRIPT: str
