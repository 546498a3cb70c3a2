from typing import Any

from . import Task

class IOQueue:
    def queue_read(self, s: Any) -> None: ...
    def queue_write(self, s: Any) -> None: ...
    def remove(self, task: Task) -> None: ...

_io_queue: IOQueue
cur_task: Task | None
