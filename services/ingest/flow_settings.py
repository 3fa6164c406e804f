"""Settings of flows."""

from pydantic import Field

from services.common.settings import BlobSettings


class FlowSettings(BlobSettings):
    """How flows are taken, unpacked and released. Sizes in bytes.

    ``flow_segment_bytes``: of one object of an upload, twice of which are in memory; ``flow_pack_bytes``: of one object
    with many items. ``flow_workers``: flows of as many depositors are unpacked at once by one instance, each for
    ``flow_slice_seconds`` while others wait. ``flow_items_per_second`` and ``flow_in_flight`` (per depositor, of those
    that wait for a reading) are what stands between a flow and everybody else's single deposits; so are the bounds on
    what is released and not yet sent: of everybody, of one depositor (``flow_unsent_each``), to one tenant
    (``flow_unsent_of_tenant``).
    """

    flow_max_bytes: int = Field(default=1_073_741_824, gt=0)
    flow_segment_bytes: int = Field(default=4_194_304, gt=0)
    flow_pack_bytes: int = Field(default=4_194_304, gt=0)
    flow_item_bytes: int = Field(default=30_000_000, gt=0)
    flow_entries: int = Field(default=200_000, gt=0)
    flow_ratio: int = Field(default=200, gt=0)
    flow_unpacked_bytes: int = Field(default=20_000_000_000, gt=0)
    flow_upload_hours: float = Field(default=24.0, gt=0)
    flow_bytes_per_second: int = Field(default=2_000, gt=0)
    flow_uploads_each: int = Field(default=4, gt=0)
    flow_uploads: int = Field(default=8, gt=0)
    flow_open_uploads: int = Field(default=100, gt=0)
    flow_memory_bytes: int = Field(default=805_306_368, gt=0)
    flow_silence_seconds: float = Field(default=60.0, gt=0)
    flow_slice_seconds: float = Field(default=20.0, gt=0)
    flow_lease_seconds: float = Field(default=30.0, gt=0)
    flow_workers: int = Field(default=2, gt=0)
    flow_look_seconds: float = Field(default=1.0, gt=0)
    flow_items_per_second: float = Field(default=400.0, gt=0)
    flow_batch: int = Field(default=100, gt=0)
    flow_in_flight: int = Field(default=50, gt=0)
    flow_unsent_events: int = Field(default=1_000, gt=0)
    flow_unsent_each: int = Field(default=500, gt=0)
    flow_unsent_of_tenant: int = Field(default=700, gt=0)
    drop_folder_seconds: float = Field(default=5.0, gt=0)
    drop_lease_seconds: float = Field(default=60.0, gt=0)
